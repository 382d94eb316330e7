#pragma once

#include <algorithm>
#include <chrono>
#include <system_error>
#include <thread>
#include <utility>

#include <fmt/format.h>

#include <vcflash/base/error.hpp>
#include <vcflash/train/agreement.hpp>
#include <vcflash/train/checkpoint_writer.hpp>
#include <vcflash/train/running_checkpoint.hpp>

namespace vcflash::train {

namespace detail {

inline bool at_work(std::future<void> const& work) {
  return work.valid() && work.wait_for(std::chrono::seconds(0)) != std::future_status::ready;
}

}  // namespace detail

VCFLASH_INLINE CheckpointWriter::CheckpointWriter(std::filesystem::path out, std::int64_t keep,
                                                  dist::ProcessGroup* group)
    : out_(std::move(out)), keep_(keep), group_(group) {}

VCFLASH_INLINE void CheckpointWriter::begin(std::int64_t step, Write write) {
  start(running_checkpoint_folder(out_, step), checkpoint::StagedFolder::Place::beside,
        std::move(write), [this](checkpoint::StagedFolder& staged) {
          staged.commit();
          // One that stays costs space only.
          detail::failure_of([&] { keep_newest(out_, keep_); });
        });
}

VCFLASH_INLINE void CheckpointWriter::write_model(Write write, Outdated outdated) {
  if (!first()) write = [](std::filesystem::path const&) {};
  start(out_, checkpoint::StagedFolder::Place::inside, std::move(write),
        [outdated](checkpoint::StagedFolder& staged) { staged.commit_into(outdated); });
  finish();
}

VCFLASH_INLINE void CheckpointWriter::try_out(std::string const& name) {
  auto const folder = out_ / name;
  auto const file_of = [](std::int64_t rank) { return fmt::format("rank-{}", rank); };
  start(
      folder, checkpoint::StagedFolder::Place::beside,
      [&](std::filesystem::path const& staged) {
        checkpoint::write_file(staged / file_of(group_ ? group_->rank() : 0), name);
      },
      [](checkpoint::StagedFolder& staged) { staged.commit(); });
  finish();
  std::string unseen;
  for (std::int64_t rank = 0; group_ != nullptr && rank < group_->size(); ++rank) {
    auto const file = folder / file_of(rank);
    std::error_code error;
    if (unseen.empty() && !std::filesystem::exists(file, error)) {
      unseen = fmt::format("{}: rank {} has written it, but it is not to be seen here.",
                           file.string(), rank);
    }
  }
  auto const failure = failure_of_any(group_, unseen);
  std::error_code ignored;
  if (first()) std::filesystem::remove_all(folder, ignored);
  if (!failure.empty()) throw Error(failure);
}

VCFLASH_INLINE void CheckpointWriter::start(std::filesystem::path const& target,
                                            checkpoint::StagedFolder::Place place, Write write,
                                            Commit make_current) {
  finish();
  commit_ = std::move(make_current);
  // The others write into the folder that the first makes.
  agree(detail::failure_of([&] {
    if (first()) staged_.emplace(target, place);
  }));
  auto const folder = staged_ ? staged_->path() : checkpoint::StagedFolder::staging_of(target);
  writing_ = std::async(std::launch::async, [this, folder, write = std::move(write)] {
    write(folder);
    if (group_ == nullptr) commit();
  });
}

VCFLASH_INLINE bool CheckpointWriter::busy() const {
  return detail::at_work(writing_) || detail::at_work(committing_);
}

VCFLASH_INLINE bool CheckpointWriter::proceed() {
  if (writing_.valid()) {
    agree(detail::failure_of([&] { writing_.get(); }));
    if (group_ == nullptr) return true;
    committing_ = std::async(std::launch::async, [this] {
      if (staged_) commit();
    });
    return false;
  }
  if (!committing_.valid()) return false;
  agree(detail::failure_of([&] { committing_.get(); }));
  return true;
}

VCFLASH_INLINE bool CheckpointWriter::finish() {
  bool current = false;
  while (writing_.valid() || committing_.valid()) {
    // A rank that waited for another's disk in one collective would be taken for lost.
    auto pause = std::chrono::milliseconds(1);
    while (group_ != nullptr && group_->any(busy())) {
      std::this_thread::sleep_for(pause);
      pause = std::min(2 * pause, std::chrono::milliseconds(200));
    }
    current = proceed() || current;
  }
  return current;
}

VCFLASH_INLINE void CheckpointWriter::agree(std::string const& failure) {
  auto const any = failure_of_any(group_, failure);
  if (any.empty()) return;
  staged_.reset();
  throw Error(any);
}

VCFLASH_INLINE void CheckpointWriter::commit() {
  commit_(*staged_);
  staged_.reset();
}

}  // namespace vcflash::train
