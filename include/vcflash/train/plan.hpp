#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include <vcflash/base/error.hpp>
#include <vcflash/connectors/connector.hpp>
#include <vcflash/data/sampler.hpp>
#include <vcflash/dist/process_group.hpp>
#include <vcflash/encoders/vision_encoder.hpp>
#include <vcflash/meta/separate.hpp>
#include <vcflash/models/sample.hpp>
#include <vcflash/planning/dry_run.hpp>
#include <vcflash/recipe/recipe.hpp>
#include <vcflash/tensor/parameter_list.hpp>
#include <vcflash/train/config.hpp>
#include <vcflash/train/optimizer.hpp>
#include <vcflash/train/sharded_parameters.hpp>
#include <vcflash/train/trainer.hpp>
#include <vcflash/train/utilization.hpp>

/// What a step of a recipe takes: memory and work, found by doing the step on LibTorch's `meta`
/// device.
namespace vcflash::train {

using planning::DryRun, planning::MemoryUse, planning::PartElements, planning::Pass,
    planning::Purpose, planning::Work;

/// The step that is asked about; the rest is the run's settings.
struct PlanRequest {
  std::optional<std::int64_t> frames{};  ///< of each conversation's video; none: data.max_frames
  std::int64_t text = 256;               ///< tokens of each conversation, all of them learned from
  std::int64_t processes = 1;
};

/// Conversations that are as long as each other, each with a video before its text.
struct PlannedBatch {
  std::int64_t conversations = 1, frames = 0, text = 0;
  std::int64_t visual = 0;      ///< tokens that the frames become
  std::int64_t resolution = 0;  ///< pixels a side

  std::int64_t tokens() const { return visual + text; }

  /// The batch on a device, of zeros.
  std::vector<Sample> made_on(at::Device device) const;
};

/// The micro batch of a run that is asked about.
/// \param clip_tokens that a clip becomes
/// \throws InputError if it cannot be, saying why
PlannedBatch planned_batch(RunConfig const& run, PlanRequest const& request,
                           EncoderFacts const& pixels, std::int64_t clip_tokens);

/// What one process of a training needs.
struct Plan {
  PlannedBatch batch;              ///< one micro batch
  std::int64_t processes = 1;      ///< that train together
  std::int64_t micro_batches = 1;  ///< of one process in a step
  ZeroStage zero{};
  at::ScalarType dtype = at::kFloat;
  MemoryUse peak{};                   ///< bytes when they are most
  Pass pass_of_peak = Pass::forward;  ///< when that is
  MemoryUse kept{};                   ///< bytes between two steps
  Work work{};                        ///< of one micro batch

  /// Floating-point operations of one process in a step.
  double step_flops() const { return work.total() * static_cast<double>(micro_batches); }
};

namespace detail {

/// The micro batch that a step is rehearsed with, over and over; a model of `SampleSource`.
class PlannedBatches {
 public:
  /// \param run to be told what the batch is; none: what is on a device with memory
  PlannedBatches(PlannedBatch const& batch, at::Device device, DryRun* run = nullptr)
      : batch_(batch), device_(device), run_(run) {}

  std::vector<Sample> next();
  data::Position position() const { return {}; }
  void seek(data::Position) {}
  std::int64_t batches_per_epoch() const { return 1; }

 private:
  PlannedBatch batch_;
  at::Device device_;
  DryRun* run_;
};

/// A network's tensors by the part that they are of.
struct PartTensors {
  NamedTensors encoder, connector, llm;
};

/// What a plan does that depends on no recipe.
class Rehearsal {
 public:
  /// \param clip_tokens that a clip becomes
  /// \throws InputError if the step cannot be, saying why
  Rehearsal(RunConfig const& run, PlanRequest const& request, EncoderFacts const& pixels,
            std::int64_t clip_tokens, ZeroStage zero);

  /// The run as it is rehearsed: no more micro batches than make a difference.
  RunConfig const& config() const { return config_; }

  dist::ProcessGroup* group() { return group_ ? &*group_ : nullptr; }
  PlannedBatches& batches() { return batches_; }

  /// Gives parameters the memory that there is not.
  void allocate(std::vector<ParameterRef> const& parameters);

  /// To be called when all is there that stays between steps, before the step.
  void begin(PartTensors const& network, AdamW const& optimizer,
             ShardedParameters const* parameters);

  /// To be called after the step.
  Plan result() const;

 private:
  RunConfig config_;
  Plan plan_;
  std::int64_t replicas_ = 1;
  PlannedBatch rehearsed_;
  std::optional<dist::ProcessGroup> group_;
  DryRun run_;
  PlannedBatches batches_;
};

}  // namespace detail

/// What a step of the recipe takes. Nothing is loaded, and no memory of the step's is used.
/// \throws InputError if there can be no such step
template <RecipeLike R>
Plan plan_of(RunConfig const& run, PlanRequest const& request) {
  using Network = typename R::Network;
  using Encoder = typename R::Encoder;
  if constexpr (DropsVisualTokens<typename R::Llm>) {
    if constexpr (R::Llm::Dropping::uniform_points < R::Llm::Dropping::schedule.points) {
      fail<InputError>(type_name<R>(), " cannot be planned: which visual tokens ",
                       std::string_view(R::Llm::name), " drops depends on what it sees.");
    }
  }
  detail::Rehearsal rehearsal(run, request, encoder_facts<Encoder>(),
                              R::Connector::tokens(Encoder::clip), R::Sharding::stage);
  Network network;
  rehearsal.allocate(parameters_of(network));
  Trainer<R> trainer(std::move(network), rehearsal.config(), rehearsal.group());
  auto const& made = trainer.network();
  auto const& prefixes = Network::key_prefixes;
  rehearsal.begin({.encoder = named_parameters(made.encoder, prefixes[0]),
                   .connector = named_parameters(made.connector, prefixes[1]),
                   .llm = named_parameters(made.llm, prefixes[2])},
                  trainer.optimizer(), trainer.sharded_parameters());
  trainer.rehearse(rehearsal.batches());
  return rehearsal.result();
}

/// What learning takes, from plans of steps of two lengths.
/// \param plan of the recipe, as `plan_of`  \param clip_frames of its encoder
/// \throws InputError if it cannot be planned
StepFlops step_flops(Plan (*plan)(RunConfig const&, PlanRequest const&), RunConfig const& run,
                     std::int64_t clip_frames);

}  // namespace vcflash::train

#ifndef VCFLASH_SEPARATE
#include <vcflash/train/plan.ipp>
#endif
