#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>

#include <vcflash/dist/process_group.hpp>
#include <vcflash/meta/separate.hpp>
#include <vcflash/train/checkpoint_writer.hpp>
#include <vcflash/train/config.hpp>
#include <vcflash/train/folder_lock.hpp>
#include <vcflash/train/metrics.hpp>
#include <vcflash/train/running_checkpoint.hpp>
#include <vcflash/train/start.hpp>
#include <vcflash/train/stored_state.hpp>

namespace vcflash::train {

/// A run's folder (`--out`) and all that is in it: what an earlier run left, running checkpoints,
/// the model, metrics. With a group every rank calls everything in the same order; the first one
/// writes what belongs to all.
class RunStore {
 public:
  using Write = CheckpointWriter::Write;
  /// Reads the weights of a folder. \throws InputError if they are not sound
  using Load = std::function<void(std::filesystem::path const& folder)>;

  /// So many running checkpoints in a row that cannot be written end a run.
  static constexpr int most_failures = 2;

  /// Claims the folder: no other run writes into it, and all ranks can write checkpoints there.
  /// \param config, files which must outlive it  \param warn may be none
  /// \throws Error naming the rank that cannot, or who else has the folder
  RunStore(RunConfig const& config, RunFiles const& files, std::string recipe, Warn warn,
           dist::ProcessGroup* group);
  RunStore(RunStore const&) = delete;
  RunStore& operator=(RunStore const&) = delete;

  /// Where an earlier run stopped.
  struct TakenUp {
    RunState state;
    std::optional<StoredState> optimizer{};  ///< none: the run ended, and left the model only
    bool ended = false;                      ///< the model of this step is there
  };

  /// Takes up the newest checkpoint that can be read, or the model of a run that ended.
  /// \return none if there is nothing to go on from
  /// \throws InputError if there is, but not for this run
  std::optional<TakenUp> take_up(Load const& load);

  /// Begins to write: settings and metrics; what is left of writers that died goes.
  /// \throws Error if the folder does not take them
  void begin(RunState const& state);

  /// Takes down what a step did.
  void note(StepReport const& report);

  /// Whether there are to be running checkpoints at all.
  bool keeps_checkpoints() const;

  /// Whether it is time for one, by the steps or by this process's clock.
  bool due(std::int64_t step) const;

  /// The step of the newest checkpoint that is there; -1: none.
  std::int64_t saved() const { return saved_; }

  /// Whether so many running checkpoints in a row could not be written that the run is to end.
  bool failing() const { return failed_ >= most_failures; }

  /// What kept the last of them from the disk.
  std::string const& failure() const { return failure_; }

  bool busy() const { return writer_.busy(); }

  /// Goes on with a running checkpoint, when no rank is busy. A failure is told, as in the two
  /// below, and costs nothing else.
  void proceed();

  /// Waits for the running checkpoint that was begun.
  void settle();

  /// Begins one, after the one before.
  void save_running(RunState const& state, Write write);

  /// Writes what the run leaves, and waits.
  /// \param outdated whose files of earlier models go  \throws Error if it cannot be written
  void save_model(Write write, CheckpointWriter::Outdated outdated);

  /// `trainer_state.json` of a checkpoint.
  void write_state(std::filesystem::path const& folder, RunState const& state) const;

 private:
  bool first() const { return group_ == nullptr || group_->first(); }
  void claim();
  void begin_files(RunState const& state);
  void clear_earlier_run() const;
  void sweep(std::int64_t step) const;
  template <class F>
  void guarded(F&& f);

  RunConfig const& config_;
  RunFiles const& files_;
  RunIdentity identity_;
  Warn warn_;
  dist::ProcessGroup* group_;
  std::optional<FolderLock> lock_;      ///< of the first rank
  std::optional<MetricsFile> metrics_;  ///< of the first rank
  std::int64_t saved_ = -1, begun_ = -1;
  std::chrono::steady_clock::time_point last_ = std::chrono::steady_clock::now();
  int failed_ = 0;  ///< checkpoints, one after the other
  std::string failure_;
  CheckpointWriter writer_;  ///< the last member: it waits until nothing is written any more
};

}  // namespace vcflash::train

#ifndef VCFLASH_SEPARATE
#include <vcflash/train/run_store.ipp>
#endif
