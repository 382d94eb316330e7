#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <vcflash/dist/process_group.hpp>
#include <vcflash/meta/separate.hpp>
#include <vcflash/tensor/tensor.hpp>
#include <vcflash/train/metrics.hpp>

/// What came of a training step, as numbers and in words.
namespace vcflash::train {

/// Reads a step's losses and the norm of its gradients, the one time that a step waits for the
/// device. With a group, all ranks' losses and counts are in every rank's report.
void read_results(StepReport& report, std::vector<Tensor> losses, Tensor const& norm,
                  dist::ProcessGroup* group);

/// What a step is told of that has no label.
std::string nothing_learned(std::int64_t step);

/// What a step is told of whose loss or gradients are no numbers. With a group, which calls it
/// together, the samples of all ranks.
std::string skipped(StepReport const& report, std::vector<std::string> const& samples,
                    dist::ProcessGroup* group);

/// What a run is told of that ends with so many such steps one after the other.
std::string diverged(StepReport const& report, std::int64_t bad_steps);

}  // namespace vcflash::train

#ifndef VCFLASH_SEPARATE
#include <vcflash/train/step_results.ipp>
#endif
