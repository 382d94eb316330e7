#pragma once

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <vector>

#include <vcflash/meta/separate.hpp>

namespace vcflash::train {

/// What one step did.
struct StepReport {
  std::int64_t step = 0;               ///< 1 for the run's first
  std::int64_t steps = 0;              ///< of the whole run
  double loss = 0;                     ///< mean over the step's micro batches
  std::vector<double> micro_losses{};  ///< of those that had something to learn from
  double learning_rate = 0;
  double gradient_norm = 0;  ///< before clipping
  double seconds = 0;        ///< of the whole step
  double data_seconds = 0;   ///< of it, waiting for samples
  std::int64_t tokens = 0;   ///< of all conversations, visual ones included
  std::int64_t labels = 0;   ///< tokens that the loss is about
};

/// `metrics.jsonl`: one JSON object a step.
class MetricsFile {
 public:
  /// Opens a run's file; what it says about steps after `steps_done` is taken out.
  MetricsFile(std::filesystem::path path, std::int64_t steps_done);

  /// \throws Error if the line cannot be written
  void write(StepReport const& report);

 private:
  std::filesystem::path path_;
  std::ofstream file_;
};

}  // namespace vcflash::train

#ifndef VCFLASH_SEPARATE
#include <vcflash/train/metrics.ipp>
#endif
