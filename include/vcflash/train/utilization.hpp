#pragma once

#include <c10/core/Device.h>
#include <c10/core/ScalarType.h>

#include <algorithm>
#include <cstdint>

#include <vcflash/meta/separate.hpp>
#include <vcflash/train/metrics.hpp>

/// How much of what a device can do a training makes use of.
namespace vcflash::train {

/// Floating-point operations that learning takes, for each of what a step has. What is computed
/// twice to save memory counts once (model FLOPs; Chowdhery et al. 2022, PaLM).
struct StepFlops {
  double frame = 0;       ///< of a video, through encoder and connector
  double token = 0;       ///< through the LLM
  double token_pair = 0;  ///< of two tokens of one conversation: attention
  double label = 0;       ///< the output layer's

  double of(StepReport const& report) const {
    return frame * static_cast<double>(report.frames) + token * static_cast<double>(report.tokens) +
           token_pair * report.token_pairs + label * static_cast<double>(report.labels);
  }
};

/// Model FLOPs utilization: the part that learning takes of what the devices can do at most.
struct Utilization {
  StepFlops flops;
  double rate = 0;  ///< operations a second of a large matrix product on one process's device
  std::int64_t processes = 1;

  double of(StepReport const& report) const {
    double const most = rate * static_cast<double>(processes) * report.seconds;
    // The product that the rate was measured with may have been slower than those of a step.
    return most > 0 ? std::min(1.0, flops.of(report) / most) : 0;
  }
};

/// Operations a second of a matrix product, measured: the fastest of a few.
double matrix_product_rate(at::ScalarType dtype, at::Device device);

}  // namespace vcflash::train

#ifndef VCFLASH_SEPARATE
#include <vcflash/train/utilization.ipp>
#endif
