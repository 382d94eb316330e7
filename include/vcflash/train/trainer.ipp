#pragma once

#include <string_view>

#include <fmt/format.h>

#include <vcflash/train/trainer.hpp>

namespace vcflash::train {

namespace detail {

VCFLASH_INLINE void require_tokenizer_fits(text::Tokenizer const& tokenizer, LlmFacts const& llm) {
  if (tokenizer.vocabulary() <= llm.vocabulary) return;
  throw InputError(fmt::format("the tokenizer has ids up to {}, but {} has {} rows of embeddings.",
                               tokenizer.vocabulary() - 1, std::string_view(llm.name),
                               llm.vocabulary));
}

VCFLASH_INLINE void refuse_to_prolong(std::filesystem::path const& out, std::int64_t steps_done) {
  throw InputError(
      fmt::format("{}: holds a run that ended after {} steps and left no "
                  "checkpoint to go on from; give --resume never to start "
                  "over, or another --out.",
                  out.string(), steps_done));
}

VCFLASH_INLINE NamedTensors copies_of(NamedTensors tensors, Copied which) {
  for (auto& [name, tensor] : tensors) {
    if (which == Copied::trained && !tensor.requires_grad()) continue;
    tensor = tensor.detach().to(at::TensorOptions(at::kCPU), /*non_blocking=*/false, /*copy=*/true);
  }
  return tensors;
}

VCFLASH_INLINE void require_same_start(std::int64_t step, dist::ProcessGroup* group) {
  if (group == nullptr) return;
  auto const steps = group->gather(static_cast<double>(step));
  for (std::size_t rank = 1; rank < steps.size(); ++rank) {
    if (steps[rank] == steps[0]) continue;
    throw InputError(
        fmt::format("rank {} finds a run that goes on after step {}, rank 0 one that goes on after "
                    "step {}: all must see the same --out.",
                    rank, steps[rank], steps[0]));
  }
}

VCFLASH_INLINE std::string sentence_of(std::exception_ptr const& failure) {
  try {
    std::rethrow_exception(failure);
  } catch (std::exception const& error) {
    return first_line(error.what());
  } catch (...) {
    return "something was thrown that says nothing.";
  }
}

VCFLASH_INLINE std::string no_checkpoints(std::string const& reason) {
  return fmt::format(
      "{} running checkpoints in a row could not be written, and the run ends before "
      "more is lost; the last: {}",
      RunStore::most_failures, reason);
}

VCFLASH_INLINE std::string saved_after(std::int64_t step) {
  return fmt::format("what was learned in {} steps is saved; the same command goes on from there.",
                     step);
}

VCFLASH_INLINE std::string nothing_learned_at_all(RunState const& state) {
  return fmt::format(
      "nothing was learned in {} steps, of which {} had a loss or gradients that were no finite "
      "numbers and the others no token to learn from; no model is written. Are the weights and the "
      "conversations' answers what they should be?",
      state.step, state.skipped);
}

VCFLASH_INLINE std::int64_t steps_of(RunConfig const& config, std::int64_t batches_per_epoch) {
  if (config.recipe.max_steps > 0) return config.recipe.max_steps;
  auto const batches = batches_per_epoch * config.recipe.epochs;
  auto const steps =
      data::steps_of_run(batches_per_epoch, config.recipe.epochs, config.accumulation());
  if (steps == 0) {
    throw InputError(fmt::format(
        "the mixture's {} micro batches of train.micro_batch = {} are less than one step of "
        "train.global_batch = {}: give --set train.global_batch={}, more train.epochs, or "
        "train.max_steps.",
        batches, config.recipe.micro_batch, config.global_batch,
        batches * config.recipe.micro_batch));
  }
  return steps;
}

}  // namespace detail

}  // namespace vcflash::train
