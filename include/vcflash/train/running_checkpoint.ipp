#pragma once

#include <algorithm>
#include <charconv>
#include <functional>
#include <string>
#include <system_error>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <vcflash/checkpoint/folder.hpp>
#include <vcflash/meta/error.hpp>
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
inline nlohmann::json identity_of(RunConfig const& config, std::string_view recipe) {
  return {{"recipe", recipe},
          {"train.seed", config.recipe.seed},
          {"train.dtype", name_of(config.dtype)},
          {"train.global_batch", config.global_batch},
          {"train.micro_batch", config.recipe.micro_batch}};
}

}  // namespace detail

VCFLASH_INLINE void write_state(std::filesystem::path const& folder, RunState const& state,
                                RunConfig const& config, std::string_view recipe) {
  checkpoint::write_json(folder / state_file, {{"global_step", state.step},
                                               {"epoch", state.position.epoch},
                                               {"batch", state.position.batch},
                                               {"seconds", state.seconds},
                                               {"loss_first", state.loss_first},
                                               {"loss_last", state.loss_last},
                                               {"skipped", state.skipped},
                                               {"run", detail::identity_of(config, recipe)}});
}

VCFLASH_INLINE RunState read_state(std::filesystem::path const& folder, RunConfig const& config,
                                   std::string_view recipe) {
  auto const path = folder / state_file;
  auto const json = checkpoint::read_json(path);
  RunState state;
  try {
    state = {json.at("global_step"), {json.at("epoch"), json.at("batch")},
             json.at("seconds"),     json.at("loss_first"),
             json.at("loss_last"),   json.at("skipped")};
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
