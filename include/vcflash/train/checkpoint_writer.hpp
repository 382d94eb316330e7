#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <future>
#include <optional>
#include <string>
#include <string_view>

#include <vcflash/checkpoint/atomic.hpp>
#include <vcflash/dist/process_group.hpp>
#include <vcflash/meta/separate.hpp>

namespace vcflash::train {

/// Writes running checkpoints while the next steps run, and the model at the end. Several processes
/// write files of their own into one folder, and the first of them makes it current when all have.
/// Every rank calls everything in the same order. While one waits for a slow disk the others meet
/// it again and again, so that none is taken for lost.
class CheckpointWriter {
 public:
  /// Writes this process's files into a folder.
  using Write = std::function<void(std::filesystem::path const& folder)>;
  /// Whether a file goes that was not written anew.
  using Outdated = bool (*)(std::string_view name);

  /// \param out the run's folder  \param keep the newest checkpoints that stay
  /// \param group none: one process
  CheckpointWriter(std::filesystem::path out, std::int64_t keep, dist::ProcessGroup* group);

  /// Begins the checkpoint of a step, after the one before.
  /// \throws Error if either cannot be written
  void begin(std::int64_t step, Write write);

  /// Writes what joins the files of the run's folder, by the first process alone, and waits.
  /// \param outdated none: no file goes  \throws Error if it cannot be written
  void write_model(Write write, Outdated outdated);

  /// Writes and removes a small checkpoint, and has every process read it.
  /// \param name of its folder, not used before
  /// \throws Error naming the process that cannot write it, or does not see what the others wrote
  void try_out(std::string const& name);

  /// Whether this process is still writing.
  bool busy() const;

  /// To be called when no process is busy: goes on with what was begun, beside the steps.
  /// \return whether something has become current now  \throws Error if it could not be written
  bool proceed();

  /// Waits until what was begun is current.
  /// \return whether something was  \throws Error if it cannot be
  bool finish();

 private:
  using Commit = std::function<void(checkpoint::StagedFolder&)>;

  bool first() const { return group_ == nullptr || group_->first(); }
  /// Begins to write into the hidden folder of `target`.
  void start(std::filesystem::path const& target, checkpoint::StagedFolder::Place place,
             Write write, Commit make_current);
  /// \throws Error on every rank if there was a failure on any
  void agree(std::string const& failure);
  void commit();

  std::filesystem::path out_;
  std::int64_t keep_;
  dist::ProcessGroup* group_;
  std::optional<checkpoint::StagedFolder> staged_;  ///< of the first process
  Commit commit_;
  // The last members: their destructors wait, and use those above.
  std::future<void> writing_, committing_;
};

}  // namespace vcflash::train

#ifndef VCFLASH_SEPARATE
#include <vcflash/train/checkpoint_writer.ipp>
#endif
