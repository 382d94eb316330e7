#pragma once

#include <ATen/core/Tensor.h>

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <vcflash/meta/separate.hpp>
#include <vcflash/recipe/recipe.hpp>
#include <vcflash/tensor/parameter_list.hpp>
#include <vcflash/tensor/tensor.hpp>

namespace vcflash::train {

/// Parameters that share a learning rate and a weight decay.
struct ParameterGroup {
  double learning_rate = 0;
  double weight_decay = 0;
  std::vector<std::string> names;
  std::vector<Tensor> parameters;
  std::vector<Tensor> gradients{};  ///< fp32 sums of theirs that someone else keeps; else empty
};

/// The trained parts' parameters as upstream groups them: those without a rate of their own, then
/// the connector's, then the encoder's, each as decaying and not decaying. Groups may be empty.
template <RecipeLike R>
std::vector<ParameterGroup> parameter_groups(typename R::Network& network,
                                             Hyperparameters const& run) {
  constexpr TrainedParts trained = R::Stage::trained;
  std::vector<ParameterGroup> groups;
  auto const begin_rate = [&](double rate) {
    for (double const decay : {run.weight_decay, 0.0}) {
      auto& group = groups.emplace_back();
      group.learning_rate = rate;
      group.weight_decay = decay;
    }
    return groups.size() - 2;
  };
  auto const add = [&](std::vector<ParameterRef> const& part, std::size_t at) {
    for (auto const& parameter : part) {
      if (!parameter.trainable) continue;
      auto& group = groups[at + (decays(parameter.role) ? 0 : 1)];
      group.names.push_back(parameter.key);
      group.parameters.push_back(*parameter.value);
    }
  };
  std::size_t const rest = begin_rate(run.learning_rate);
  std::size_t const connector =
      run.connector_learning_rate > 0 ? begin_rate(run.connector_learning_rate) : rest;
  std::size_t const encoder =
      run.encoder_learning_rate > 0 ? begin_rate(run.encoder_learning_rate) : rest;
  auto const& prefixes = R::Network::key_prefixes;
  if constexpr (trained.llm) add(parameters_of(network.llm, prefixes[2]), rest);
  if constexpr (trained.encoder) add(parameters_of(network.encoder, prefixes[0]), encoder);
  if constexpr (trained.connector) add(parameters_of(network.connector, prefixes[1]), connector);
  return groups;
}

/// AdamW as torch's (decay apart from the gradient, moments in fp32). Parameters of fewer than 32
/// bits are kept in fp32 beside the model, and so are the sums of their gradients if several
/// backward passes make a step.
class AdamW {
 public:
  struct Options {
    double beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8;
    bool several_passes = true;  ///< backward passes make a step
  };

  AdamW(std::vector<ParameterGroup> groups, Options options);
  AdamW(AdamW const&) = delete;
  AdamW& operator=(AdamW const&) = delete;
  ~AdamW();

  std::vector<ParameterGroup> const& groups() const { return groups_; }
  std::int64_t steps_done() const { return steps_done_; }

  /// Bytes of moments, fp32 copies and gradient sums.
  std::int64_t state_bytes() const;

  /// To be called after every backward pass: adds what narrow parameters gathered to the fp32 sums,
  /// if there are any.
  void take_gradients();

  /// From now on a backward pass does that itself, parameter by parameter, so that never all of a
  /// model's narrow gradients are there.
  void take_gradients_as_they_come();

  /// The norm of all gradients: [] fp32, on the parameters' device.
  Tensor gradient_norm() const;

  /// Scales gradients of a known norm so that it is at most `most`, as `clip_grad_norm_` does.
  /// \param most 0: nothing is scaled
  void clip(double norm, double most);

  /// Leaves the parameters as they are, as if no backward pass had been since the last step.
  void forget_gradients();

  /// Moves every parameter once and forgets the gradients. A parameter without a gradient moves
  /// as with a gradient of zero, which is what upstream's text-only batches give.
  /// \param factor on every group's learning rate
  void step(double factor);

  /// Everything that a later run needs to go on bit for bit, by parameter name.
  NamedTensors state() const;

  /// Takes over what `state` gave.
  /// \throws InputError if it is not this optimizer's
  void restore(std::map<std::string, Tensor> const& tensors, std::int64_t steps_done,
               std::string_view where);

 private:
  /// What the gradients that there are, are summed up in.
  std::vector<Tensor> gradients() const;

  /// Moves a narrow parameter by its own gradient, some of its numbers at a time.
  void move_narrow(std::size_t group, std::size_t i, double rate);

  /// Of one group, in its parameters' order. `masters` are the parameters themselves unless these
  /// are narrow; only then are there sums of gradients, unless they were given or one pass makes a
  /// step.
  struct State {
    std::vector<Tensor> masters, gradients, first, second, steps;
  };

  /// Calls `f(parameter, its sum of gradients or an undefined tensor)`.
  template <class F>
  void for_each(F f) const {
    for (std::size_t g = 0; g < groups_.size(); ++g) {
      for (std::size_t i = 0; i < groups_[g].parameters.size(); ++i) {
        f(groups_[g].parameters[i], states_[g].gradients[i]);
      }
    }
  }

  Options options_;
  std::vector<ParameterGroup> groups_;
  std::vector<State> states_;
  std::int64_t steps_done_ = 0;
  float narrow_factor_ = 1;  ///< on narrow gradients, which would lose by it
  bool listens_ = false;     ///< parameters have hooks
};

}  // namespace vcflash::train

#ifndef VCFLASH_SEPARATE
#include <vcflash/train/optimizer.ipp>
#endif
