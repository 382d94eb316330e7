#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include <vcflash/meta/separate.hpp>
#include <vcflash/train/log_file.hpp>
#include <vcflash/train/tensorboard.hpp>

namespace vcflash::train {

/// Adds the seconds that it exists.
class Stopwatch {
 public:
  explicit Stopwatch(double& seconds) : seconds_(seconds) {}
  Stopwatch(Stopwatch const&) = delete;
  Stopwatch& operator=(Stopwatch const&) = delete;
  ~Stopwatch() {
    seconds_ += std::chrono::duration<double>(std::chrono::steady_clock::now() - begin_).count();
  }

 private:
  double& seconds_;
  std::chrono::steady_clock::time_point begin_ = std::chrono::steady_clock::now();
};

/// What one step did.
struct StepReport {
  std::int64_t step = 0;               ///< 1 for the run's first
  std::int64_t steps = 0;              ///< of the whole run
  double loss = 0;                     ///< mean over the step's micro batches
  std::vector<double> micro_losses{};  ///< of those that had something to learn from
  double learning_rate = 0;
  double connector_learning_rate = 0, encoder_learning_rate = 0;  ///< 0: none of their own
  double gradient_norm = 0;                                       ///< before clipping
  double seconds = 0;                                             ///< of the whole step
  double data_seconds = 0;                                        ///< of it, waiting for samples
  double forward_seconds = 0, backward_seconds = 0, optimizer_seconds = 0;
  double communication_seconds = 0;  ///< of all these, waiting for other processes
  std::int64_t samples = 0;          ///< conversations
  std::int64_t tokens = 0;           ///< of all conversations, visual ones included
  std::int64_t labels = 0;           ///< tokens that the loss is about
  std::int64_t empty = 0;            ///< micro batches without one
  std::int64_t frames = 0;           ///< of all videos; an image counts as one
  double token_pairs = 0;            ///< squares of the conversations' tokens, added up
  double utilization = 0;         ///< model FLOPs utilization (train/utilization.hpp); 0: unknown
  std::int64_t device_bytes = 0;  ///< of tensors on the GPU at most so far; 0 without one
  std::string skipped{};  ///< what was no finite number; empty: the step moved the parameters
};

/// `metrics.jsonl`: one JSON object a step; and the same for TensorBoard in the folder
/// `tensorboard` beside it.
class MetricsFile {
 public:
  /// Opens a run's file; what it says about steps after `steps_done` is taken out.
  /// \param warn is told if a line has to wait for a disk that takes it
  /// \throws Error if the file cannot be written from the beginning
  MetricsFile(std::filesystem::path const& path, std::int64_t steps_done, LogFile::Warn warn = {});

  /// Adds a step's line, now or as soon as the disk takes it.
  void write(StepReport const& report);

 private:
  LogFile file_;
  EventFile events_;
};

}  // namespace vcflash::train

#ifndef VCFLASH_SEPARATE
#include <vcflash/train/metrics.ipp>
#endif
