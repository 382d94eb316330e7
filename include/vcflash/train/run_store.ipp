#pragma once

#include <array>
#include <fstream>
#include <iterator>
#include <random>
#include <ratio>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include <vcflash/base/error.hpp>
#include <vcflash/checkpoint/atomic.hpp>
#include <vcflash/train/agreement.hpp>
#include <vcflash/train/run_store.hpp>

namespace vcflash::train {

namespace detail {

/// What a file holds; empty if there is none.
inline std::string content_of(std::filesystem::path const& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

}  // namespace detail

VCFLASH_INLINE RunStore::RunStore(RunConfig const& config, RunFiles const& files,
                                  std::string recipe, Warn warn, dist::ProcessGroup* group)
    : config_(config),
      files_(files),
      identity_{std::move(recipe), files.data, files.allow_changes},
      warn_(std::move(warn)),
      group_(group),
      writer_(files.out, config.keep, group) {
  claim();
}

VCFLASH_INLINE void RunStore::claim() {
  auto const failure = failure_of_any(group_, detail::failure_of([&] {
                                        if (!first()) return;
                                        checkpoint::make_folder(files_.out);
                                        lock_.emplace(files_.out);
                                      }));
  if (!failure.empty()) throw Error(failure);
  std::random_device random;
  auto name = fmt::format(".try-{:08x}{:08x}", random(), random());
  if (group_ != nullptr) name = group_->gather_text(name)[0];
  try {
    writer_.try_out(name);
  } catch (Error const& error) {
    throw Error(
        fmt::format("--out {}: cannot take checkpoints: {} It must be a folder that every "
                    "process of the run can write, on a disk that all of them see.",
                    files_.out.string(), error.what()));
  }
}

VCFLASH_INLINE std::optional<RunStore::TakenUp> RunStore::take_up(Load const& load) {
  if (!files_.resume) return {};
  auto const& out = files_.out;
  std::optional<RunState> ended;
  if (std::filesystem::exists(out / state_file)) ended = read_state(out, config_, identity_);
  auto const tell = [&](std::filesystem::path const& folder) {
    auto const changes = changed_settings(folder, config_);
    if (!changes.empty() && warn_) {
      warn_(fmt::format("{}: goes on with other settings: {}.", folder.string(), changes));
    }
  };
  auto const all = running_checkpoints(out);
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (ended && all[i].step < ended->step) break;  // the model is newer
    try {
      TakenUp taken{.state = read_state(all[i].folder, config_, identity_)};
      load(all[i].folder);
      taken.optimizer = StoredState::in(all[i].folder);
      taken.ended = ended && ended->step == taken.state.step;
      saved_ = taken.state.step;
      tell(all[i].folder);
      return taken;
    } catch (OtherRun const&) {
      throw;
    } catch (InputError const& error) {
      if (i + 1 == all.size() && !ended) throw;
      if (warn_) warn_(error.what());
    }
  }
  if (!ended) return {};
  load(out);
  return TakenUp{.state = *ended, .ended = true};
}

VCFLASH_INLINE void RunStore::begin(RunState const& state) {
  last_ = std::chrono::steady_clock::now();
  auto const failure = failure_of_any(group_, detail::failure_of([&] {
                                        if (first()) begin_files(state);
                                      }));
  if (!failure.empty()) throw Error(failure);
}

VCFLASH_INLINE void RunStore::begin_files(RunState const& state) {
  if (!files_.resume) clear_earlier_run();
  sweep(state.step);
  auto const settings = to_toml(config_);
  auto const path = files_.out / "config.toml";
  auto const before = detail::content_of(path);
  if (state.step > 0 && !before.empty() && before != settings) {
    checkpoint::write_file(files_.out / fmt::format("config-{}.toml", state.step), before);
  }
  checkpoint::write_file(path, settings);
  metrics_.emplace(files_.out / "metrics.jsonl", state.step, warn_);
}

VCFLASH_INLINE void RunStore::clear_earlier_run() const {
  for (auto const& checkpoint : running_checkpoints(files_.out)) {
    std::filesystem::remove_all(checkpoint.folder);
  }
  for (auto const file :
       std::array<std::string_view, 3>{state_file, "training.json", "report.html"}) {
    std::filesystem::remove(files_.out / file);
  }
  std::filesystem::remove_all(files_.out / "tensorboard");
}

VCFLASH_INLINE void RunStore::sweep(std::int64_t step) const {
  std::error_code ignored;  // what stays costs space only
  for (auto const& checkpoint : running_checkpoints(files_.out)) {
    if (checkpoint.step <= step) continue;
    // It was passed over; as a checkpoint it would keep a good one's place.
    auto const aside = checkpoint.folder.string() + ".damaged";
    std::filesystem::remove_all(aside, ignored);
    std::filesystem::rename(checkpoint.folder, aside, ignored);
    if (warn_) warn_(fmt::format("{}: is kept as {}.", checkpoint.folder.string(), aside));
  }
  std::vector<std::filesystem::path> left;
  for (auto const& entry : std::filesystem::directory_iterator(files_.out, ignored)) {
    auto const name = entry.path().filename().string();
    if (name.starts_with(".checkpoint-") || name.starts_with(".try-")) left.push_back(entry);
  }
  for (auto const& folder : left) std::filesystem::remove_all(folder, ignored);
}

VCFLASH_INLINE void RunStore::note(StepReport const& report) {
  if (metrics_) metrics_->write(report);
}

VCFLASH_INLINE bool RunStore::keeps_checkpoints() const {
  return config_.recipe.save_every > 0 || config_.save_minutes > 0;
}

VCFLASH_INLINE bool RunStore::due(std::int64_t step) const {
  auto const every = config_.recipe.save_every;
  if (every > 0 && step % every == 0) return true;
  std::chrono::duration<double, std::ratio<60>> const minutes =
      std::chrono::steady_clock::now() - last_;
  return config_.save_minutes > 0 && minutes.count() >= config_.save_minutes;
}

template <class F>
void RunStore::guarded(F&& f) {
  try {
    if (!f()) return;
    failed_ = 0;
    saved_ = begun_;
  } catch (Error const& error) {
    ++failed_;
    failure_ = error.what();
    if (warn_) warn_(failure_);
  }
}

VCFLASH_INLINE void RunStore::proceed() {
  guarded([&] { return writer_.proceed(); });
}

VCFLASH_INLINE void RunStore::settle() {
  guarded([&] { return writer_.finish(); });
}

VCFLASH_INLINE void RunStore::save_running(RunState const& state, Write write) {
  settle();
  last_ = std::chrono::steady_clock::now();
  begun_ = state.step;
  guarded([&] {
    writer_.begin(state.step, std::move(write));
    return false;
  });
}

VCFLASH_INLINE void RunStore::save_model(Write write, CheckpointWriter::Outdated outdated) {
  settle();
  writer_.write_model(std::move(write), outdated);
}

VCFLASH_INLINE void RunStore::write_state(std::filesystem::path const& folder,
                                          RunState const& state) const {
  train::write_state(folder, state, config_, identity_);
}

}  // namespace vcflash::train
