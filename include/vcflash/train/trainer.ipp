#pragma once

#include <array>
#include <string_view>

#include <fmt/format.h>

#include <vcflash/train/trainer.hpp>

namespace vcflash::train {

namespace detail {

VCFLASH_INLINE void require_tokenizer_fits(text::Tokenizer const& tokenizer, LlmConfig const& llm) {
  if (tokenizer.vocabulary() <= llm.vocabulary) return;
  throw InputError(fmt::format("the tokenizer has ids up to {}, but {} has {} rows of embeddings.",
                               tokenizer.vocabulary() - 1, std::string_view(llm.name),
                               llm.vocabulary));
}

VCFLASH_INLINE void clear_earlier_run(std::filesystem::path const& out) {
  for (auto const& checkpoint : running_checkpoints(out)) {
    std::filesystem::remove_all(checkpoint.folder);
  }
  for (auto const file :
       std::array<std::string_view, 3>{state_file, "training.json", "report.html"}) {
    std::filesystem::remove(out / file);
  }
  std::filesystem::remove_all(out / "tensorboard");
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
  std::vector<double> steps(static_cast<std::size_t>(group->size()), 0.0);
  steps[static_cast<std::size_t>(group->rank())] = static_cast<double>(step);
  steps = group->sum(std::move(steps));
  for (std::size_t rank = 1; rank < steps.size(); ++rank) {
    if (steps[rank] == steps[0]) continue;
    throw InputError(
        fmt::format("rank {} finds a run that goes on after step {}, rank 0 one that goes on after "
                    "step {}: all must see the same --out.",
                    rank, steps[rank], steps[0]));
  }
}

}  // namespace detail

}  // namespace vcflash::train
