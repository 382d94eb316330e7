#pragma once

#include <cstdint>
#include <filesystem>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include <vcflash/base/error.hpp>
#include <vcflash/data/sampler.hpp>
#include <vcflash/meta/separate.hpp>
#include <vcflash/train/config.hpp>

/// The folders `checkpoint-<step>` that a run leaves on its way.
namespace vcflash::train {

/// Where a run stands, beside weights and optimizer.
struct RunState {
  std::int64_t step = 0;  ///< steps done
  data::Position position{};
  double seconds = 0;  ///< spent on them
  /// Of the first and the last step that something was learned from; NaN: there was none.
  double loss_first = std::numeric_limits<double>::quiet_NaN(), loss_last = loss_first;
  std::int64_t skipped = 0;  ///< of the steps, those that moved nothing

  bool operator==(RunState const&) const = default;
};

/// What makes two runs one: the recipe, and the rows that are learned from.
struct RunIdentity {
  std::string recipe;
  std::string data{};          ///< empty: unknown
  bool allow_changes = false;  ///< other rows, or another order, are let pass
};

/// The checkpoint is sound, but was left by a run that this one cannot continue.
struct OtherRun : InputError {
  using InputError::InputError;
};

/// A running checkpoint on the disk.
struct RunningCheckpoint {
  std::int64_t step = 0;
  std::filesystem::path folder;
};

/// `OUT/checkpoint-<step>`.
std::filesystem::path running_checkpoint_folder(std::filesystem::path const& out,
                                                std::int64_t step);

/// Those of a run's folder, the newest first.
std::vector<RunningCheckpoint> running_checkpoints(std::filesystem::path const& out);

/// Removes all but the newest `keep`.
void keep_newest(std::filesystem::path const& out, std::int64_t keep);

inline constexpr std::string_view state_file = "trainer_state.json";

void write_state(std::filesystem::path const& folder, RunState const& state,
                 RunConfig const& config, RunIdentity const& run);

/// \throws InputError if the file is no state  \throws OtherRun naming what differs
RunState read_state(std::filesystem::path const& folder, RunConfig const& config,
                    RunIdentity const& run);

/// Settings that results depend on and that are other than when a checkpoint was written, each with
/// both values; empty: none.
std::string changed_settings(std::filesystem::path const& folder, RunConfig const& config);

}  // namespace vcflash::train

#ifndef VCFLASH_SEPARATE
#include <vcflash/train/running_checkpoint.ipp>
#endif
