#pragma once

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <vcflash/checkpoint/folder.hpp>
#include <vcflash/data/loader.hpp>
#include <vcflash/meta/error.hpp>
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

  bool operator==(RunState const&) const = default;
};

/// A running checkpoint on the disk.
struct RunningCheckpoint {
  std::int64_t step = 0;
  std::filesystem::path folder;
};

/// Those of a run's folder, the newest first.
inline std::vector<RunningCheckpoint> running_checkpoints(std::filesystem::path const& out) {
  std::vector<RunningCheckpoint> found;
  if (!std::filesystem::is_directory(out)) return found;
  for (auto const& entry : std::filesystem::directory_iterator(out)) {
    auto const name = entry.path().filename().string();
    constexpr std::string_view prefix = "checkpoint-";
    if (!name.starts_with(prefix) || !entry.is_directory()) continue;
    RunningCheckpoint checkpoint{0, entry.path()};
    auto const* const end = name.data() + name.size();
    auto const [stop, error] = std::from_chars(name.data() + prefix.size(), end, checkpoint.step);
    if (error == std::errc() && stop == end) found.push_back(std::move(checkpoint));
  }
  std::ranges::sort(found, std::greater(), &RunningCheckpoint::step);
  return found;
}

/// Removes all but the newest `keep`.
inline void keep_newest(std::filesystem::path const& out, std::int64_t keep) {
  auto const all = running_checkpoints(out);
  for (std::size_t i = static_cast<std::size_t>(keep); i < all.size(); ++i) {
    std::error_code ignored;  // one that stays costs space only
    std::filesystem::remove_all(all[i].folder, ignored);
  }
}

namespace detail {

/// What two runs must share for one to continue the other.
inline nlohmann::json identity_of(RunConfig const& config, std::string_view recipe) {
  return {{"recipe", recipe},
          {"train.seed", config.recipe.seed},
          {"train.dtype", name_of_choice(config.dtype)},
          {"train.global_batch", config.global_batch},
          {"train.micro_batch", config.recipe.micro_batch}};
}

}  // namespace detail

inline constexpr std::string_view state_file = "trainer_state.json";

inline void write_state(std::filesystem::path const& folder, RunState const& state,
                        RunConfig const& config, std::string_view recipe) {
  checkpoint::write_json(folder / state_file, {{"global_step", state.step},
                                               {"epoch", state.position.epoch},
                                               {"batch", state.position.batch},
                                               {"seconds", state.seconds},
                                               {"loss_first", state.loss_first},
                                               {"loss_last", state.loss_last},
                                               {"run", detail::identity_of(config, recipe)}});
}

/// \throws InputError if the file is no state, or that of a run which this one cannot continue
inline RunState read_state(std::filesystem::path const& folder, RunConfig const& config,
                           std::string_view recipe) {
  auto const path = folder / state_file;
  auto const json = checkpoint::read_json(path);
  RunState state;
  try {
    state = {json.at("global_step"),
             {json.at("epoch"), json.at("batch")},
             json.at("seconds"),
             json.at("loss_first"),
             json.at("loss_last")};
  } catch (nlohmann::json::exception const&) {
    throw InputError(fmt::format("{}: is not the state of a run.", path.string()));
  }
  auto const ours = detail::identity_of(config, recipe);
  auto const theirs = json.value("run", nlohmann::json::object());
  for (auto const& [name, value] : ours.items()) {
    if (theirs.is_object() && theirs.contains(name) && theirs[name] == value) continue;
    throw InputError(
        fmt::format("{}: was left by a run with {} = {}, this one has {}; give "
                    "--resume never to start over, or another --out.",
                    path.string(), name,
                    theirs.is_object() && theirs.contains(name) ? theirs[name].dump() : "nothing",
                    value.dump()));
  }
  return state;
}

}  // namespace vcflash::train
