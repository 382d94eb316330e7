#pragma once

#include <algorithm>
#include <cstddef>
#include <functional>
#include <map>
#include <string>

#include <fmt/format.h>

#include <vcflash/tensor/aten.hpp>
#include <vcflash/train/plan.hpp>

namespace vcflash::train {

VCFLASH_INLINE std::vector<Sample> PlannedBatch::made_on(at::Device device) const {
  std::vector<Sample> samples;
  for (std::int64_t i = 0; i < conversations; ++i) {
    auto& sample = samples.emplace_back();
    std::int64_t const media = frames > 0 ? 1 : 0;
    sample.input_ids = aten::zeros({media + text}, at::kLong);
    sample.labels = aten::zeros({media + text}, at::kLong);
    if (media == 0) continue;
    sample.input_ids[0] = media_placeholder;
    sample.labels[0] = ignore_label;
    sample.media.push_back(
        {Modality::video, aten::zeros({frames, 3, resolution, resolution},
                                      at::TensorOptions(at::kFloat).device(device))});
  }
  return samples;
}

VCFLASH_INLINE PlannedBatch planned_batch(RunConfig const& run, PlanRequest const& request,
                                          EncoderFacts const& pixels, std::int64_t clip_tokens) {
  PlannedBatch batch;
  batch.conversations = run.recipe.micro_batch;
  batch.frames = request.frames.value_or(run.recipe.max_frames);
  batch.text = request.text;
  batch.resolution = pixels.resolution;
  if (batch.frames < 0 || batch.frames % pixels.clip_frames != 0) {
    throw InputError(fmt::format("a plan with {} frames cannot be: clips have {} frames.",
                                 batch.frames, pixels.clip_frames));
  }
  batch.visual = batch.frames / pixels.clip_frames * clip_tokens;
  if (batch.text < 2) {
    throw InputError(fmt::format("a plan with {} tokens of text cannot be: there are at least two.",
                                 batch.text));
  }
  if (batch.tokens() > run.recipe.max_length) {
    throw InputError(fmt::format(
        "a plan with {} frames, which become {} tokens, and {} tokens of text cannot be: "
        "data.max_length is {}.",
        batch.frames, batch.visual, batch.text, run.recipe.max_length));
  }
  return batch;
}

namespace detail {

VCFLASH_INLINE std::vector<Sample> PlannedBatches::next() {
  if (run_ != nullptr) run_->makes(Purpose::batch, Part::encoder);
  auto samples = batch_.made_on(device_);
  if (run_ != nullptr) run_->makes(Purpose::activations, Part::encoder);
  return samples;
}

VCFLASH_INLINE Rehearsal::Rehearsal(RunConfig const& run, PlanRequest const& request,
                                    EncoderFacts const& pixels, std::int64_t clip_tokens,
                                    ZeroStage zero)
    : config_(run),
      plan_{.batch = planned_batch(run, request, pixels, clip_tokens),
            .processes = request.processes,
            .zero = zero,
            .dtype = run.dtype},
      rehearsed_(plan_.batch),
      batches_(rehearsed_, at::kMeta, &run_) {
  if (request.processes < 1) {
    throw InputError(fmt::format("a plan for {} processes cannot be.", request.processes));
  }
  require_consistent(run, request.processes);
  plan_.micro_batches = run.accumulation() / request.processes;
  // Several threads do alike: one of them is rehearsed.
  auto const conversations = plan_.batch.conversations;
  replicas_ = std::min(run.batch_threads, conversations);
  rehearsed_.conversations = (conversations + replicas_ - 1) / replicas_;
  batches_ = PlannedBatches(rehearsed_, at::kMeta, &run_);
  config_.batch_threads = 1;
  config_.recipe.micro_batch = rehearsed_.conversations;
  // From the second micro batch on there are gradients of those before.
  config_.global_batch =
      rehearsed_.conversations * request.processes * std::min<std::int64_t>(plan_.micro_batches, 2);
  if (request.processes > 1) group_.emplace(dist::Pretended{request.processes});
}

VCFLASH_INLINE void Rehearsal::allocate(std::vector<ParameterRef> const& parameters) {
  run_.makes(Purpose::weights, Part::llm);
  auto const options = at::TensorOptions(config_.dtype).device(at::kMeta);
  for (auto const& parameter : parameters) {
    *parameter.value =
        aten::empty(parameter.shape, options.dtype(parameter.dtype_in(config_.dtype)));
  }
  // What the trainer makes besides weights and the optimizer's state are sums of gradients.
  run_.makes(Purpose::gradients, Part::llm);
}

/// Elements by part of every piece of memory in which some stand.
class Attribution {
 public:
  void add(Tensor const& memory, Part part, std::int64_t elements) {
    auto& piece = pieces_[memory.storage().unsafeGetStorageImpl()];
    piece.tensor = memory;
    piece.elements[static_cast<std::size_t>(part)] += elements;
  }
  void tell(DryRun& run, Purpose purpose) const {
    for (auto const& [storage, piece] : pieces_) {
      run.attribute(piece.tensor, purpose, piece.elements);
    }
  }

 private:
  struct Piece {
    Tensor tensor;
    PartElements elements{};
  };
  std::map<c10::StorageImpl*, Piece> pieces_;
};

VCFLASH_INLINE void Rehearsal::begin(PartTensors const& network, AdamW const& optimizer,
                                     ShardedParameters const* parameters) {
  std::map<std::string, Part, std::less<>> part_of;
  Attribution weights, state;
  PartElements trained{};
  // Several processes sum gradients up in fp32, and so does one that makes several backward passes
  // a step in another type. A gradient is added to its sum as soon as it comes, unless those of
  // several threads are.
  bool const sums = group_ || (config_.dtype != at::kFloat && config_.accumulation() > 1);
  bool const gathers = !group_ && (!sums || replicas_ > 1);
  auto const add = [&](Part part, NamedTensors const& tensors) {
    for (auto const& [key, tensor] : tensors) {
      part_of.emplace(key, part);
      weights.add(parameters != nullptr ? parameters->part_with(key) : tensor, part,
                  tensor.numel());
      if (!tensor.requires_grad()) continue;
      trained[static_cast<std::size_t>(part)] += tensor.numel();
      if (gathers) run_.watch_gradients(tensor, part);
    }
  };
  add(Part::encoder, network.encoder);
  add(Part::connector, network.connector);
  add(Part::llm, network.llm);
  for (auto const& [name, tensor] : optimizer.state()) {
    state.add(tensor, part_of.at(name.substr(name.find('.') + 1)), tensor.numel());
  }
  // Where nobody sums gradients, what is left are counters of steps.
  run_.attribute_all(Purpose::gradients, sums ? Purpose::gradients : Purpose::optimizer, trained);
  weights.tell(run_, Purpose::weights);
  state.tell(run_, Purpose::optimizer);
  run_.makes(Purpose::activations, Part::llm);
  run_.begin();
}

VCFLASH_INLINE Plan Rehearsal::result() const {
  Plan plan = plan_;
  plan.pass_of_peak = run_.pass_of_peak();
  plan.peak = run_.peak();
  plan.kept = run_.now();
  plan.work = run_.work();
  std::int64_t const passes = config_.accumulation() / plan.processes;
  auto const replicas =
      static_cast<double>(plan.batch.conversations) / static_cast<double>(rehearsed_.conversations);
  for (auto& pass : plan.work.amounts) {
    for (auto& flops : pass) flops *= replicas / static_cast<double>(passes);
  }
  for (std::size_t p = 0; p < part_count; ++p) {
    auto const part = static_cast<Part>(p);
    // Each thread has activations and gradients of its own; what stays is there once.
    plan.peak(Purpose::activations, part) *= replicas_;
    auto const kept = plan.kept(Purpose::gradients, part);
    auto& gradients = plan.peak(Purpose::gradients, part);
    gradients = kept + (gradients - kept) * replicas_;
    plan.peak(Purpose::batch, part) =
        plan.peak(Purpose::batch, part) * plan.batch.conversations / rehearsed_.conversations;
  }
  return plan;
}

}  // namespace detail

VCFLASH_INLINE StepFlops step_flops(Plan (*plan)(RunConfig const&, PlanRequest const&),
                                    RunConfig const& run, std::int64_t clip_frames) {
  RunConfig alone = run;
  alone.recipe.micro_batch = alone.global_batch = alone.batch_threads = 1;
  alone.recipe.gradient_checkpointing = false;
  std::int64_t const text = 32;
  auto const shorter = plan(alone, {.frames = clip_frames, .text = text});
  auto const longer = plan(alone, {.frames = clip_frames, .text = 2 * text});
  // An LLM takes an amount of work for each token and another for each pair of them.
  auto const short_tokens = static_cast<double>(shorter.batch.tokens());
  auto const long_tokens = static_cast<double>(longer.batch.tokens());
  double const for_short = shorter.work.of(Part::llm) / short_tokens;
  double const for_long = longer.work.of(Part::llm) / long_tokens;
  StepFlops flops;
  flops.token_pair = (for_long - for_short) / (long_tokens - short_tokens);
  flops.token = for_short - flops.token_pair * short_tokens;
  flops.frame = (shorter.work.of(Part::encoder) + shorter.work.of(Part::connector)) /
                static_cast<double>(clip_frames);
  flops.label = shorter.work.of(Part::loss) / static_cast<double>(text);
  return flops;
}

}  // namespace vcflash::train
