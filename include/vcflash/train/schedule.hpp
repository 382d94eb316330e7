#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <numbers>
#include <string_view>

namespace vcflash::train {

/// How the learning rate goes over a run; `transformers`' names.
enum class ScheduleKind { cosine, linear, constant, constant_with_warmup };

constexpr std::string_view name_of(ScheduleKind kind) {
  switch (kind) {
    case ScheduleKind::cosine:
      return "cosine";
    case ScheduleKind::linear:
      return "linear";
    case ScheduleKind::constant:
      return "constant";
    case ScheduleKind::constant_with_warmup:
      return "constant_with_warmup";
  }
  return "unknown";
}

/// Factor on every group's learning rate, by step of the optimizer. The first step of a warm-up
/// has the factor 0.
struct Schedule {
  ScheduleKind kind = ScheduleKind::cosine;
  std::int64_t steps = 1;   ///< of the whole run
  std::int64_t warmup = 0;  ///< steps of it
  double floor = 0;         ///< what the decay ends at, 0 to 1

  /// \param warmup_ratio part of the run that warms up, rounded up to a step
  static Schedule over(ScheduleKind kind, std::int64_t steps, double warmup_ratio,
                       double floor = 0) {
    auto const warmup = std::ceil(static_cast<double>(steps) * warmup_ratio);
    return {kind, steps, static_cast<std::int64_t>(warmup), floor};
  }

  /// \param step 0 for the run's first
  double operator()(std::int64_t step) const {
    if (kind == ScheduleKind::constant) return 1;
    if (step < warmup)
      return static_cast<double>(step) / static_cast<double>(std::max<std::int64_t>(1, warmup));
    if (kind == ScheduleKind::constant_with_warmup) return 1;
    auto const rest = static_cast<double>(std::max<std::int64_t>(1, steps - warmup));
    if (kind == ScheduleKind::linear) {
      return with_floor(std::max(0.0, static_cast<double>(steps - step) / rest));
    }
    double const progress = static_cast<double>(step - warmup) / rest;
    return with_floor(std::max(0.0, 0.5 * (1 + std::cos(std::numbers::pi * progress))));
  }

 private:
  double with_floor(double factor) const { return floor + (1 - floor) * factor; }
};

}  // namespace vcflash::train
