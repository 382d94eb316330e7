#pragma once

#include <ATen/core/grad_mode.h>

#include <cmath>
#include <numeric>
#include <span>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <vcflash/base/error.hpp>
#include <vcflash/tensor/aten.hpp>
#include <vcflash/train/step_results.hpp>

namespace vcflash::train {

namespace detail {

/// Puts every rank's losses beside each other, in the order in which one process has them.
inline void share_results(StepReport& report, dist::ProcessGroup& group) {
  std::vector<double> const counts = group.sum(
      {static_cast<double>(report.micro_losses.size()), static_cast<double>(report.samples),
       static_cast<double>(report.tokens), static_cast<double>(report.labels),
       static_cast<double>(report.frames), report.token_pairs});
  report.samples = static_cast<std::int64_t>(counts[1]);
  report.tokens = static_cast<std::int64_t>(counts[2]);
  report.labels = static_cast<std::int64_t>(counts[3]);
  report.frames = static_cast<std::int64_t>(counts[4]);
  report.token_pairs = counts[5];
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

}  // namespace detail

VCFLASH_INLINE void read_results(StepReport& report, std::vector<Tensor> losses, Tensor const& norm,
                                 dist::ProcessGroup* group) {
  if (norm.is_meta()) return;  // there is nothing to read
  at::NoGradGuard const no_grad;
  for (Tensor& loss : losses) loss = loss.to(at::kFloat);
  losses.push_back(norm);
  Tensor const read = aten::stack(losses).to(at::kCPU);
  auto const values = std::span(read.const_data_ptr<float>(), losses.size());
  report.micro_losses.assign(values.begin(), values.end() - 1);
  if (group != nullptr) detail::share_results(report, *group);
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

VCFLASH_INLINE std::string nothing_learned(std::int64_t step) {
  return fmt::format("step {}: no token of its conversations is learned from.", step);
}

VCFLASH_INLINE std::string skipped(StepReport const& report,
                                   std::vector<std::string> const& samples,
                                   dist::ProcessGroup* group) {
  auto names = fmt::format("{}", fmt::join(samples, ", "));
  if (group != nullptr) names = fmt::format("{}", fmt::join(group->gather_text(names), ", "));
  return fmt::format(
      "step {}: the {} is not a finite number, and nothing is learned from it; "
      "its samples: {}.",
      report.step, report.skipped, names);
}

VCFLASH_INLINE std::string diverged(StepReport const& report, std::int64_t bad_steps) {
  return fmt::format(
      "step {}: the {} was no finite number in {} steps, one after the other "
      "(train.max_bad_steps); the run is saved. A lower train.learning_rate may help, "
      "or a look at the samples of these steps.",
      report.step, report.skipped, bad_steps);
}

}  // namespace vcflash::train
