#pragma once

#include <algorithm>
#include <chrono>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include <vcflash/meta/error.hpp>
#include <vcflash/train/checkpoint_writer.hpp>
#include <vcflash/train/running_checkpoint.hpp>

namespace vcflash::train {

namespace detail {

/// What failed for a reason that can be told; anything else goes on up.
template <class F>
std::string failure_of(F&& f) {
  try {
    f();
  } catch (Error const& error) {
    return error.what();
  }
  return {};
}

}  // namespace detail

VCFLASH_INLINE CheckpointWriter::CheckpointWriter(std::filesystem::path out, std::int64_t keep,
                                                  dist::ProcessGroup* group)
    : out_(std::move(out)), keep_(keep), group_(group) {}

VCFLASH_INLINE void CheckpointWriter::begin(std::int64_t step, Write write) {
  finish();
  folder_ = running_checkpoint_folder(out_, step);
  // The others write into the folder that the first makes.
  agree(detail::failure_of([&] {
    if (group_ == nullptr || group_->first()) staged_.emplace(folder_);
  }));
  writing_ = std::async(std::launch::async, [this, write = std::move(write)] {
    write(checkpoint::StagedFolder::staging_of(folder_));
    if (group_ == nullptr) commit();
  });
}

VCFLASH_INLINE bool CheckpointWriter::writing() const {
  return writing_.valid() &&
         writing_.wait_for(std::chrono::seconds(0)) != std::future_status::ready;
}

VCFLASH_INLINE void CheckpointWriter::all_wrote() {
  if (!writing_.valid()) return;
  agree(detail::failure_of([&] { writing_.get(); }));
  if (group_ == nullptr) return;
  committing_ = std::async(std::launch::async, [this] {
    if (staged_) commit();
  });
}

VCFLASH_INLINE void CheckpointWriter::finish() {
  all_wrote();
  if (committing_.valid()) agree(detail::failure_of([&] { committing_.get(); }));
}

VCFLASH_INLINE void CheckpointWriter::agree(std::string failure) {
  if (group_ != nullptr) {
    std::vector<double> failed(static_cast<std::size_t>(group_->size()), 0.0);
    failed[static_cast<std::size_t>(group_->rank())] = failure.empty() ? 0 : 1;
    failed = group_->sum(std::move(failed));
    auto const first = std::ranges::find_if(failed, [](double count) { return count > 0; });
    if (failure.empty() && first != failed.end()) {
      failure = fmt::format("{}: cannot be written by rank {}.", folder_.string(),
                            first - failed.begin());
    }
  }
  if (failure.empty()) return;
  staged_.reset();
  throw Error(failure);
}

VCFLASH_INLINE void CheckpointWriter::commit() {
  staged_->commit();
  staged_.reset();
  keep_newest(out_, keep_);
}

}  // namespace vcflash::train
