#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <future>
#include <optional>
#include <string>

#include <vcflash/checkpoint/atomic.hpp>
#include <vcflash/dist/process_group.hpp>
#include <vcflash/meta/separate.hpp>

namespace vcflash::train {

/// Writes running checkpoints while the next steps run. Several processes write files of their own
/// into one folder, and the first of them makes it current when all have. Every rank calls
/// everything in the same order.
class CheckpointWriter {
 public:
  /// Writes this process's files into a folder.
  using Write = std::function<void(std::filesystem::path const& folder)>;

  /// \param out the run's folder  \param keep the newest checkpoints that stay
  /// \param group none: one process
  CheckpointWriter(std::filesystem::path out, std::int64_t keep, dist::ProcessGroup* group);

  /// Begins the checkpoint of a step, after the one before.
  /// \throws Error if either cannot be written
  void begin(std::int64_t step, Write write);

  /// Whether this process is still writing its files.
  bool writing() const;

  /// To be called when no process is: the checkpoint becomes current, beside the steps.
  /// \throws Error if a process could not write its files
  void all_wrote();

  /// Waits until the last checkpoint is current.
  /// \throws Error if it cannot be
  void finish();

 private:
  /// \throws Error on every rank if there was a failure on any
  void agree(std::string failure);
  void commit();

  std::filesystem::path out_, folder_;
  std::int64_t keep_;
  dist::ProcessGroup* group_;
  std::optional<checkpoint::StagedFolder> staged_;  ///< of the first process
  // The last members: their destructors wait, and use those above.
  std::future<void> writing_, committing_;
};

}  // namespace vcflash::train

#ifndef VCFLASH_SEPARATE
#include <vcflash/train/checkpoint_writer.ipp>
#endif
