#pragma once

#include <ATen/core/grad_mode.h>
#include <ATen/ops/stack.h>

#include <cmath>
#include <numeric>
#include <span>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include <vcflash/train/trainer.hpp>

namespace vcflash::train {

namespace detail {

/// A JSON file of the base model; null if there is none.
inline nlohmann::json json_of_base(Start const& start, char const* name) {
  if (!start.weights || !std::filesystem::exists(*start.weights / name)) return {};
  return checkpoint::read_json(*start.weights / name);
}

}  // namespace detail

VCFLASH_INLINE void ModelFiles::write_config(std::filesystem::path const& folder) const {
  auto json = checkpoint::config_of(network, stage, config.recipe,
                                    detail::json_of_base(start, "config.json"));
  json["torch_dtype"] = name_of(config.dtype);
  json["_name_or_path"] = start.name();
  for (auto const& [field, token] :
       {std::pair{"bos_token_id", "<|endoftext|>"}, std::pair{"eos_token_id", "<|im_end|>"}}) {
    auto const id = tokenizer ? tokenizer->id_of(token) : std::nullopt;
    if (id && !json.contains(field)) json[field] = *id;
  }
  checkpoint::write_json(folder / "config.json", json);
}

VCFLASH_INLINE void ModelFiles::write_company(std::filesystem::path const& folder) const {
  if (auto const json = detail::json_of_base(start, "generation_config.json"); !json.is_null()) {
    checkpoint::write_json(folder / "generation_config.json", json);
  }
  if (tokenizer) tokenizer->copy_to(folder);
}

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

VCFLASH_INLINE std::string nothing_learned(std::int64_t step) {
  return fmt::format("step {}: no token of its conversations is learned from.", step);
}

VCFLASH_INLINE std::string skipped(StepReport const& report,
                                   std::vector<std::string> const& samples) {
  return fmt::format(
      "step {}: the {} is not a finite number, and nothing is learned from it; "
      "its samples: {}.",
      report.step, report.skipped, fmt::join(samples, ", "));
}

VCFLASH_INLINE void diverged(StepReport const& report, std::int64_t bad_steps) {
  throw Error(
      fmt::format("step {}: the {} was no finite number in {} steps, one after the other "
                  "(train.max_bad_steps); the run is saved. A lower train.learning_rate may help, "
                  "or a look at the samples of these steps.",
                  report.step, report.skipped, bad_steps));
}

VCFLASH_INLINE NamedTensors copies_of(NamedTensors tensors, Copied which) {
  for (auto& [name, tensor] : tensors) {
    if (which == Copied::trained && !tensor.requires_grad()) continue;
    tensor = tensor.detach().to(at::TensorOptions(at::kCPU), /*non_blocking=*/false, /*copy=*/true);
  }
  return tensors;
}

VCFLASH_INLINE std::vector<BatchPart> parts_of(std::span<Sample const> batch,
                                               std::span<std::int64_t const> labels,
                                               std::size_t most) {
  auto const count = [](auto counts) {
    return std::accumulate(counts.begin(), counts.end(), std::int64_t{0});
  };
  auto const all = static_cast<double>(count(labels));
  std::vector<BatchPart> parts;
  for (std::size_t i = 0, begin = 0; i < most && begin < batch.size(); ++i) {
    auto const size = (batch.size() - begin + most - i - 1) / (most - i);
    auto const own = static_cast<double>(count(labels.subspan(begin, size)));
    if (own > 0) parts.push_back({batch.subspan(begin, size), own / all});
    begin += size;
  }
  return parts;
}

/// Puts every rank's losses beside each other, in the order in which one process has them.
inline void share_results(StepReport& report, dist::ProcessGroup& group) {
  std::vector<double> const counts = group.sum(
      {static_cast<double>(report.micro_losses.size()), static_cast<double>(report.samples),
       static_cast<double>(report.tokens), static_cast<double>(report.labels)});
  report.samples = static_cast<std::int64_t>(counts[1]);
  report.tokens = static_cast<std::int64_t>(counts[2]);
  report.labels = static_cast<std::int64_t>(counts[3]);
  // A rank may have learned from fewer: of each place, the loss and whether there is one. No rank
  // has more places than all losses together.
  auto const places = static_cast<std::size_t>(counts[0] * static_cast<double>(group.size()));
  std::vector<double> losses(2 * places, 0.0);
  for (std::size_t i = 0; i < report.micro_losses.size(); ++i) {
    auto const place =
        i * static_cast<std::size_t>(group.size()) + static_cast<std::size_t>(group.rank());
    losses[2 * place] = report.micro_losses[i];
    losses[2 * place + 1] = 1;
  }
  losses = group.sum(std::move(losses));
  report.micro_losses.clear();
  for (std::size_t place = 0; place < places; ++place) {
    if (losses[2 * place + 1] > 0) report.micro_losses.push_back(losses[2 * place]);
  }
}

VCFLASH_INLINE void read_results(StepReport& report, std::vector<Tensor> losses, Tensor const& norm,
                                 dist::ProcessGroup* group) {
  if (norm.is_meta()) return;  // there is nothing to read
  at::NoGradGuard const no_grad;
  for (Tensor& loss : losses) loss = loss.to(at::kFloat);
  losses.push_back(losses.empty() ? norm : norm.to(losses.front().device()));
  Tensor const read = at::stack(losses).to(at::kCPU);
  auto const values = std::span(read.const_data_ptr<float>(), losses.size());
  report.micro_losses.assign(values.begin(), values.end() - 1);
  if (group != nullptr) share_results(report, *group);
  auto const& all = report.micro_losses;
  report.loss = std::accumulate(all.begin(), all.end(), 0.0) /
                static_cast<double>(all.size());  // NaN if there is none
  report.gradient_norm = values.back();
  if (!report.micro_losses.empty() && !std::isfinite(report.loss)) {
    report.skipped = "loss";
  } else if (!std::isfinite(report.gradient_norm)) {
    report.skipped = "norm of the gradients";
  }
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
