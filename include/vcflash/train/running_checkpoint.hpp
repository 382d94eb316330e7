#pragma once

#include <cstdint>
#include <filesystem>
#include <string_view>
#include <vector>

#include <vcflash/data/sampler.hpp>
#include <vcflash/meta/separate.hpp>
#include <vcflash/train/config.hpp>

/// The folders `checkpoint-<step>` that a run leaves on its way.
namespace vcflash::train {

/// Where a run stands, beside weights and optimiser.
struct RunState {
  std::int64_t step = 0;  ///< steps done
  data::Position position;
  double seconds = 0;     ///< spent on them
  double loss_first = 0;  ///< of the run's first step
  double loss_last = 0;
  std::int64_t skipped = 0;  ///< of the steps, those that moved nothing

  bool operator==(RunState const&) const = default;
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
                 RunConfig const& config, std::string_view recipe);

/// \throws InputError if the file is no state, or that of a run which this one cannot continue
RunState read_state(std::filesystem::path const& folder, RunConfig const& config,
                    std::string_view recipe);

}  // namespace vcflash::train

#ifndef VCFLASH_SEPARATE
#include <vcflash/train/running_checkpoint.ipp>
#endif
