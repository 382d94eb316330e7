#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/_foreach_mul.h>
#include <ATen/ops/_foreach_norm.h>
#include <ATen/ops/_fused_adamw.h>
#include <ATen/ops/full.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/zeros_like.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include <vcflash/checkpoint/folder.hpp>
#include <vcflash/meta/error.hpp>
#include <vcflash/recipe/recipe.hpp>
#include <vcflash/tensor/parameter.hpp>
#include <vcflash/tensor/tensor.hpp>

namespace vcflash::train {

/// Parameters that share a learning rate and a weight decay.
struct ParameterGroup {
  double learning_rate = 0;
  double weight_decay = 0;
  std::vector<std::string> names;
  std::vector<Tensor> parameters;
};

/// The trained parts' parameters as upstream groups them: those without a rate of their own, then
/// the connector's, then the encoder's, each as decaying and not decaying. Groups may be empty.
template <RecipeLike R>
std::vector<ParameterGroup> parameter_groups(typename R::Network& network,
                                             Hyperparameters const& run) {
  constexpr TrainedParts trained = R::Stage::trained;
  std::vector<ParameterGroup> groups;
  auto const begin_rate = [&](double rate) {
    groups.push_back(
        {.learning_rate = rate, .weight_decay = run.weight_decay, .names = {}, .parameters = {}});
    groups.push_back({.learning_rate = rate, .weight_decay = 0, .names = {}, .parameters = {}});
    return groups.size() - 2;
  };
  auto const add = [&](auto& part, std::string const& prefix, std::size_t at) {
    for_each_parameter(
        part,
        [&](std::string const& key, auto& parameter) {
          using P = std::remove_cvref_t<decltype(parameter)>;
          auto& group = groups[at + (decays(P::role) ? 0 : 1)];
          group.names.push_back(key);
          group.parameters.push_back(parameter.value);
        },
        prefix);
  };
  std::size_t const rest = begin_rate(run.learning_rate);
  std::size_t const connector =
      run.connector_learning_rate > 0 ? begin_rate(run.connector_learning_rate) : rest;
  std::size_t const encoder =
      run.encoder_learning_rate > 0 ? begin_rate(run.encoder_learning_rate) : rest;
  auto const& prefixes = R::Network::key_prefixes;
  if constexpr (trained.llm) add(network.llm, prefixes[2], rest);
  if constexpr (trained.encoder) add(network.encoder, prefixes[0], encoder);
  if constexpr (trained.connector) add(network.connector, prefixes[1], connector);
  return groups;
}

/// AdamW as torch's (decay apart from the gradient, moments in fp32). Parameters of fewer than 32
/// bits are kept in fp32 beside the model, and so are the sums of their gradients.
class AdamW {
 public:
  struct Options {
    double beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8;
  };

  AdamW(std::vector<ParameterGroup> groups, Options options)
      : options_(options), groups_(std::move(groups)) {
    at::NoGradGuard const no_grad;
    for (auto const& group : groups_) {
      State& state = states_.emplace_back();
      for (auto const& parameter : group.parameters) {
        bool const narrow = parameter.scalar_type() != at::kFloat;
        state.masters.push_back(narrow ? parameter.detach().to(at::kFloat) : parameter.detach());
        state.gradients.push_back(narrow ? at::zeros_like(state.masters.back()) : Tensor());
        state.first.push_back(at::zeros_like(state.masters.back()));
        state.second.push_back(at::zeros_like(state.masters.back()));
        state.steps.push_back(
            at::full({}, 0.0F, at::TensorOptions(at::kFloat).device(parameter.device())));
      }
    }
  }

  std::vector<ParameterGroup> const& groups() const { return groups_; }
  std::int64_t steps_done() const { return steps_done_; }

  /// Bytes of moments, fp32 copies and gradient sums.
  std::int64_t state_bytes() const {
    std::int64_t bytes = 0;
    for (auto const& state : states_) {
      for (std::size_t i = 0; i < state.first.size(); ++i) {
        bytes += static_cast<std::int64_t>(2 * state.first[i].nbytes());
        if (state.gradients[i].defined())
          bytes += static_cast<std::int64_t>(2 * state.masters[i].nbytes());
      }
    }
    return bytes;
  }

  /// To be called after every backward pass: adds what narrow parameters gathered to the fp32 sums.
  void take_gradients() {
    at::NoGradGuard const no_grad;
    for_each([](Tensor const& parameter, State& state, std::size_t i) {
      Tensor& gradient = parameter.mutable_grad();
      if (!state.gradients[i].defined() || !gradient.defined()) return;
      state.gradients[i].add_(gradient);
      gradient.reset();
    });
  }

  /// Scales the gradients so that their norm is at most `most`, as `clip_grad_norm_` does.
  /// \param most 0: nothing is scaled
  /// \return the norm of all gradients before
  double clip(double most) {
    at::NoGradGuard const no_grad;
    std::vector<Tensor> gradients;
    for_each([&](Tensor const& parameter, State& state, std::size_t i) {
      Tensor const& gradient = state.gradients[i].defined() ? state.gradients[i] : parameter.grad();
      if (gradient.defined()) gradients.push_back(gradient);
    });
    if (gradients.empty()) return 0;
    auto const norm = at::stack(at::_foreach_norm(gradients)).norm().item<float>();
    float const factor = static_cast<float>(most) / (norm + 1e-6F);
    if (most > 0 && factor < 1) at::_foreach_mul_(gradients, at::Scalar(factor));
    return norm;
  }

  /// Moves every parameter once and forgets the gradients. A parameter without a gradient moves
  /// as with a gradient of zero, which is what upstream's text-only batches give.
  /// \param factor on every group's learning rate
  void step(double factor) {
    at::NoGradGuard const no_grad;
    for (std::size_t g = 0; g < groups_.size(); ++g) {
      auto const& group = groups_[g];
      State& state = states_[g];
      if (group.parameters.empty()) continue;
      std::vector<Tensor> gradients;
      for (std::size_t i = 0; i < group.parameters.size(); ++i) {
        Tensor const& own = group.parameters[i].grad();
        gradients.push_back(state.gradients[i].defined() ? state.gradients[i]
                            : own.defined()              ? own
                                                         : at::zeros_like(state.masters[i]));
        state.steps[i].add_(1);
      }
      at::_fused_adamw_(state.masters, gradients, state.first, state.second, {}, state.steps,
                        group.learning_rate * factor, options_.beta1, options_.beta2,
                        group.weight_decay, options_.epsilon, /*amsgrad=*/false,
                        /*maximize=*/false);
      for (std::size_t i = 0; i < group.parameters.size(); ++i) {
        if (state.gradients[i].defined()) {
          group.parameters[i].detach().copy_(state.masters[i]);
          state.gradients[i].zero_();
        }
        group.parameters[i].mutable_grad().reset();
      }
    }
    ++steps_done_;
  }

  /// Everything that a later run needs to go on bit for bit, by parameter name.
  checkpoint::NamedTensors state() const {
    checkpoint::NamedTensors tensors;
    for (std::size_t g = 0; g < groups_.size(); ++g) {
      for (std::size_t i = 0; i < groups_[g].names.size(); ++i) {
        auto const& name = groups_[g].names[i];
        tensors.emplace_back("first." + name, states_[g].first[i]);
        tensors.emplace_back("second." + name, states_[g].second[i]);
        if (states_[g].gradients[i].defined()) {
          tensors.emplace_back("master." + name, states_[g].masters[i]);
        }
      }
    }
    return tensors;
  }

  /// Takes over what `state` gave.
  /// \throws InputError if it is not this optimiser's
  void restore(checkpoint::TensorMap const& tensors, std::int64_t steps_done,
               std::string_view where) {
    at::NoGradGuard const no_grad;
    auto const own = state();
    for (auto const& [name, tensor] : own) {
      auto const found = tensors.find(name);
      if (found == tensors.end() || found->second.sizes() != tensor.sizes() ||
          found->second.scalar_type() != tensor.scalar_type()) {
        throw InputError(
            fmt::format("{}: has no fitting {}; it was written by a run of another "
                        "recipe or dtype.",
                        where, name));
      }
    }
    if (tensors.size() != own.size()) {
      throw InputError(
          fmt::format("{}: has {} tensors, this run has {}.", where, tensors.size(), own.size()));
    }
    for (auto const& [name, tensor] : own) tensor.detach().copy_(tensors.at(name));
    for (auto& state : states_) {
      for (auto& steps : state.steps) steps.fill_(static_cast<float>(steps_done));
    }
    steps_done_ = steps_done;
  }

 private:
  /// Of one group, in its parameters' order. `masters` are the parameters themselves unless these
  /// are narrow; only then are there sums of gradients.
  struct State {
    std::vector<Tensor> masters, gradients, first, second, steps;
  };

  template <class F>
  void for_each(F f) {
    for (std::size_t g = 0; g < groups_.size(); ++g) {
      for (std::size_t i = 0; i < groups_[g].parameters.size(); ++i) {
        f(groups_[g].parameters[i], states_[g], i);
      }
    }
  }

  Options options_;
  std::vector<ParameterGroup> groups_;
  std::vector<State> states_;
  std::int64_t steps_done_ = 0;
};

}  // namespace vcflash::train
