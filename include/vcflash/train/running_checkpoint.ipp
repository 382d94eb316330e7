#pragma once

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <functional>
#include <system_error>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <vcflash/checkpoint/folder.hpp>
#include <vcflash/train/running_checkpoint.hpp>

namespace vcflash::train {

VCFLASH_INLINE std::filesystem::path running_checkpoint_folder(std::filesystem::path const& out,
                                                               std::int64_t step) {
  return out / fmt::format("checkpoint-{}", step);
}

VCFLASH_INLINE std::vector<RunningCheckpoint> running_checkpoints(
    std::filesystem::path const& out) {
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

VCFLASH_INLINE void keep_newest(std::filesystem::path const& out, std::int64_t keep) {
  auto const all = running_checkpoints(out);
  for (std::size_t i = static_cast<std::size_t>(keep); i < all.size(); ++i) {
    std::error_code ignored;  // one that stays costs space only
    std::filesystem::remove_all(all[i].folder, ignored);
  }
}

namespace detail {

/// What two runs must share for one to continue the other.
inline nlohmann::json identity_of(RunConfig const& config, RunIdentity const& run) {
  return {{"recipe", run.recipe},
          {"train.seed", config.recipe.seed},
          {"train.dtype", name_of(config.dtype)},
          {"train.global_batch", config.global_batch},
          {"train.micro_batch", config.recipe.micro_batch}};
}

/// What a place in the data means something with.
inline nlohmann::json data_of(RunConfig const& config, RunIdentity const& run) {
  return {{"--data", run.data}, {"data.order", data::name_of(config.order)}};
}

/// A number, or null for what is none.
inline nlohmann::json number_or_null(double number) {
  return std::isfinite(number) ? nlohmann::json(number) : nlohmann::json();
}

inline double number_or_nan(nlohmann::json const& json) {
  return json.is_null() ? std::numeric_limits<double>::quiet_NaN() : json.get<double>();
}

/// Whether a result depends on a setting.
inline bool matters(std::string_view setting) {
  constexpr std::array without{"data.workers",       "data.prefetch", "data.frame_cache",
                               "data.video_timeout", "dist.timeout",  "train.threads"};
  return !setting.starts_with("checkpoint.") &&
         std::ranges::find(without, setting) == without.end();
}

/// \throws OtherRun naming the first value of `ours` that `theirs` has not
/// \param advice what to do about it
inline void require_equal(std::filesystem::path const& path, nlohmann::json const& theirs,
                          nlohmann::json const& ours, std::string_view advice) {
  for (auto const& [name, value] : ours.items()) {
    if (theirs.is_object() && theirs.contains(name) && theirs[name] == value) continue;
    throw OtherRun(fmt::format(
        "{}: was left by a run with {} = {}, this one has {}; give {}.", path.string(), name,
        theirs.is_object() && theirs.contains(name) ? theirs[name].dump() : "nothing", value.dump(),
        advice));
  }
}

}  // namespace detail

VCFLASH_INLINE void write_state(std::filesystem::path const& folder, RunState const& state,
                                RunConfig const& config, RunIdentity const& run) {
  nlohmann::json json{{"global_step", state.step},
                      {"epoch", state.position.epoch},
                      {"batch", state.position.batch},
                      {"seconds", state.seconds},
                      {"loss_first", detail::number_or_null(state.loss_first)},
                      {"loss_last", detail::number_or_null(state.loss_last)},
                      {"skipped", state.skipped},
                      {"run", detail::identity_of(config, run)}};
  if (!run.data.empty()) json["data"] = detail::data_of(config, run);
  for (auto const& [name, value] : settings_of(config)) {
    if (detail::matters(name)) json["settings"][name] = value;
  }
  checkpoint::write_json(folder / state_file, json);
}

VCFLASH_INLINE RunState read_state(std::filesystem::path const& folder, RunConfig const& config,
                                   RunIdentity const& run) {
  auto const path = folder / state_file;
  auto const json = checkpoint::read_json(path);
  RunState state;
  try {
    state = {json.at("global_step"),
             {json.at("epoch"), json.at("batch")},
             json.at("seconds"),
             detail::number_or_nan(json.at("loss_first")),
             detail::number_or_nan(json.at("loss_last")),
             json.at("skipped")};
  } catch (nlohmann::json::exception const&) {
    throw InputError(fmt::format("{}: is not the state of a run.", path.string()));
  }
  detail::require_equal(path, json.value("run", nlohmann::json::object()),
                        detail::identity_of(config, run),
                        "--resume never to start over, or another --out");
  if (json.contains("data") && !run.data.empty() && !run.allow_changes) {
    detail::require_equal(path, json["data"], detail::data_of(config, run),
                          "--allow-changes to go on with it all the same (rows may then be seen "
                          "twice or never), --resume never to start over, or another --out");
  }
  return state;
}

VCFLASH_INLINE std::string changed_settings(std::filesystem::path const& folder,
                                            RunConfig const& config) {
  auto const json = checkpoint::read_json(folder / state_file);
  auto const before = json.value("settings", nlohmann::json::object());
  std::string changes;
  for (auto const& [name, value] : settings_of(config)) {
    if (!detail::matters(name) || !before.contains(name) || before[name] == value) continue;
    changes += fmt::format("{}{} = {} (was {})", changes.empty() ? "" : ", ", name, value,
                           before[name].is_string() ? before[name].get<std::string>() : "unknown");
  }
  return changes;
}

}  // namespace vcflash::train
