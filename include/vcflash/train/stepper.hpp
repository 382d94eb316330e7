#pragma once

#include <algorithm>
#include <cstdint>
#include <exception>
#include <iterator>
#include <numeric>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <vcflash/dist/device.hpp>
#include <vcflash/dist/process_group.hpp>
#include <vcflash/meta/sentence.hpp>
#include <vcflash/recipe/recipe.hpp>
#include <vcflash/tensor/parameter_list.hpp>
#include <vcflash/train/agreement.hpp>
#include <vcflash/train/config.hpp>
#include <vcflash/train/interrupt.hpp>
#include <vcflash/train/layers_of.hpp>
#include <vcflash/train/learner.hpp>
#include <vcflash/train/metrics.hpp>
#include <vcflash/train/optimizer.hpp>
#include <vcflash/train/sample_source.hpp>
#include <vcflash/train/sharded_optimizer.hpp>
#include <vcflash/train/sharded_parameters.hpp>
#include <vcflash/train/step_results.hpp>
#include <vcflash/train/utilization.hpp>

namespace vcflash::train {

/// What may end a step before its time, and what did.
struct Watch {
  InterruptGuard const& interrupt;
  Agreement& agreement;
  std::exception_ptr failure{};  ///< of this rank
};

/// One process's part in the steps of a training: micro batches go forward and backward through the
/// network, then its parameters move.
template <RecipeLike R>
class Stepper {
 public:
  using Network = typename R::Network;

  /// Makes a network one that is trained. \param network which must stay where it is
  /// \param config which must outlive it  \param group none: one process
  Stepper(Network& network, RunConfig const& config, dist::ProcessGroup* group, at::Device device)
      : config_(config), group_(group), device_(device) {
    freeze_as_staged<R>(network);
    if constexpr (shards_parameters) {
      if (group_) {
        auto const& prefixes = Network::key_prefixes;
        parameters_.emplace(units_of(network.encoder, prefixes[0]),
                            units_of(network.llm, prefixes[2]),
                            parameters_of(network.connector, prefixes[1]), *group_);
      }
    }
    learner_.emplace(network, config_, device, group_, parameters_ ? &*parameters_ : nullptr);
    std::vector<std::string> keys;
    for (auto const& parameter : parameters_of(network)) keys.push_back(parameter.key);
    optimizer_.emplace(parameter_groups<R>(network, config_.recipe),
                       AdamW::Options{config_.recipe.beta1, config_.recipe.beta2,
                                      config_.recipe.epsilon, config_.accumulation() > processes()},
                       keys, R::Sharding::stage, group_, parameters_ ? &*parameters_ : nullptr);
    // Several threads' gradients are added to each other first.
    if (config_.batch_threads == 1) optimizer_->take_gradients_as_they_come();
  }
  Stepper(Stepper const&) = delete;
  Stepper& operator=(Stepper const&) = delete;

  ShardedOptimizer& optimizer() { return *optimizer_; }
  ShardedOptimizer const& optimizer() const { return *optimizer_; }

  /// Of a run of several processes that shards them; else nothing.
  ShardedParameters const* sharded_parameters() const {
    return parameters_ ? &*parameters_ : nullptr;
  }

  /// Has every step say how much of what the devices can do it makes use of.
  void measure(Utilization const& utilization) { utilization_ = utilization; }

  /// While it exists, all parameters are whole on all ranks.
  class WholeModel {
   public:
    explicit WholeModel(Stepper& stepper) : parameters_(stepper.parameters_) {
      if (parameters_) parameters_->gather_all();
    }
    WholeModel(WholeModel const&) = delete;
    WholeModel& operator=(WholeModel const&) = delete;
    ~WholeModel() {
      if (parameters_) parameters_->release_all();
    }

   private:
    std::optional<ShardedParameters>& parameters_;
  };

  /// One step.
  /// \param done steps before it  \param factor on the learning rates
  /// \param ids of this process's samples, which are added
  /// \param watch none: nothing ends the step
  /// \return none if the step was given up, on all ranks, and nothing has changed
  template <SampleSource S>
  std::optional<StepReport> step(S& source, std::int64_t done, double factor,
                                 std::vector<std::string>& ids, Watch* watch) {
    StepReport report;
    report.step = done + 1;
    if (group_) group_->at_step(report.step);
    double const waited = group_ ? group_->seconds_waited() : 0;
    {
      Stopwatch const stepping(report.seconds);
      auto const learned = learn(source, report, ids, watch);
      if (!learned) {
        optimizer_->give_up();
        if (parameters_) parameters_->release_all();
        return {};
      }
      move_parameters(report, *learned, factor);
    }
    // On a GPU the last of it is done while the next step begins.
    report.optimizer_seconds =
        std::max(report.optimizer_seconds, report.seconds - report.data_seconds -
                                               report.forward_seconds - report.backward_seconds);
    if (group_) report.communication_seconds = group_->seconds_waited() - waited;
    report.device_bytes = dist::peak_device_bytes(device_);
    if (utilization_) report.utilization = utilization_->of(report);
    return report;
  }

 private:
  std::int64_t processes() const { return group_ ? group_->size() : 1; }

  static constexpr bool shards_parameters = R::Sharding::stage.parameters();
  static_assert(require < !shards_parameters || !DropsVisualTokens<typename Network::Llm>,
                Sentence{} << type_name<R>() << " shards its parameters (Zero<3>), but "
                           << Network::Llm::name
                           << " drops visual tokens by layers that are not there" >);

  /// Goes through this rank's micro batches of a step.
  /// \param ids of their samples, which are added
  /// \return of each that has something to learn from; none if the step is given up
  template <SampleSource S>
  std::optional<std::vector<Learned>> learn(S& source, StepReport& report,
                                            std::vector<std::string>& ids, Watch* watch) {
    std::vector<Learned> all;
    std::int64_t const own = config_.accumulation() / processes();
    for (std::int64_t i = 0; i < own; ++i) {
      optimizer_->begin(i, own);  // whose collectives all ranks have begun before the next ones
      if (watch && watch->agreement.stop(watch->interrupt.asked() || watch->failure)) return {};
      if (parameters_) parameters_->gather_rest();
      auto const batch = next_of(source, report, watch);
      auto const labels = count(batch, report, ids);
      if (std::accumulate(labels.begin(), labels.end(), std::int64_t{0}) == 0) {
        // A mean over nothing: nothing is learned.
        if (parameters_) learner_->keep_up();
        continue;
      }
      auto learned = learn_from(batch, labels,
                                (report.step - 1) * config_.accumulation() + i * processes() +
                                    (group_ ? group_->rank() : 0),
                                watch);
      if (!learned) return {};
      all.push_back(std::move(*learned));
      optimizer_->take_gradients();
    }
    optimizer_->finish_gradients();
    if (watch && watch->agreement.any_failed(watch->failure != nullptr)) return {};
    return all;
  }

  /// The next micro batch; none of this rank's from its first failure on, which all ranks are told
  /// where they agree next.
  template <SampleSource S>
  static std::vector<Sample> next_of(S& source, StepReport& report, Watch* watch) {
    Stopwatch const waiting(report.data_seconds);
    if (watch == nullptr) return source.next();
    if (watch->failure) return {};
    try {
      return source.next();
    } catch (...) {
      watch->failure = std::current_exception();
      return {};
    }
  }

  /// Adds a micro batch to what a step is told to have. \return each conversation's labels
  std::vector<std::int64_t> count(std::vector<Sample> const& batch, StepReport& report,
                                  std::vector<std::string>& ids) const {
    std::vector<std::int64_t> labels;
    for (Sample const& sample : batch) {
      auto const size = size_of<Network>(sample, config_.recipe.max_length);
      report.tokens += size.tokens;
      report.token_pairs += static_cast<double>(size.tokens) * static_cast<double>(size.tokens);
      report.frames += size.frames;
      report.labels += size.labels;
      labels.push_back(size.labels);
      ids.push_back(sample.id);
    }
    report.samples += std::ssize(batch);
    return labels;
  }

  /// \return none if a process that is alone failed to, for instance for lack of memory. Of
  /// several, the others wait amid their backward pass: such a failure ends them all at once.
  std::optional<Learned> learn_from(std::vector<Sample> const& batch,
                                    std::vector<std::int64_t> const& labels, std::int64_t place,
                                    Watch* watch) {
    if (watch == nullptr || group_) return learner_->learn(batch, labels, place);
    try {
      return learner_->learn(batch, labels, place);
    } catch (...) {
      watch->failure = std::current_exception();
      return {};
    }
  }

  /// \param factor on the learning rates
  void move_parameters(StepReport& report, std::vector<Learned> const& learned, double factor) {
    auto const& recipe = config_.recipe;
    report.learning_rate = recipe.learning_rate * factor;
    report.connector_learning_rate = recipe.connector_learning_rate * factor;
    report.encoder_learning_rate = recipe.encoder_learning_rate * factor;
    std::vector<Tensor> losses;
    for (auto const& one : learned) losses.push_back(one.loss);
    read_results(report, std::move(losses), optimizer_->gradient_norm(), group_);
    report.empty = config_.accumulation() - std::ssize(report.micro_losses);
    // What was read came last: the device is done.
    for (auto const& one : learned) {
      report.forward_seconds += one.forward_seconds();
      report.backward_seconds += one.backward_seconds();
    }
    Stopwatch const optimizing(report.optimizer_seconds);
    if (report.skipped.empty()) {
      optimizer_->clip(report.gradient_norm, recipe.clip_norm);
      optimizer_->step(factor);
    } else {
      optimizer_->forget_gradients();
    }
    if (parameters_) parameters_->release_all();
  }

  RunConfig const& config_;
  dist::ProcessGroup* group_;
  at::Device device_;
  std::optional<ShardedParameters> parameters_;  ///< of a run of several processes with ZeRO-3
  std::optional<Learner<R>> learner_;
  std::optional<ShardedOptimizer> optimizer_;
  std::optional<Utilization> utilization_;
};

}  // namespace vcflash::train
