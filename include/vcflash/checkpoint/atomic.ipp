#pragma once

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include <vcflash/base/error.hpp>
#include <vcflash/checkpoint/atomic.hpp>

namespace vcflash::checkpoint {

namespace detail {

[[noreturn]] inline void fail_to_write(std::filesystem::path const& path, int error) {
  throw Error(fmt::format("{}: cannot be written ({}); what was there before is unchanged.",
                          path.string(), std::strerror(error)));
}

/// Flushes a file's content, or a folder's list of names, to the disk.
inline void flush_to_disk(std::filesystem::path const& path, bool folder) {
  int const file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | (folder ? O_DIRECTORY : 0));
  if (file < 0) fail_to_write(path, errno);
  int const result = ::fsync(file);
  int const error = errno;
  ::close(file);
  // Some file systems cannot flush a folder, and say so with EINVAL.
  if (result != 0 && !(folder && error == EINVAL)) fail_to_write(path, error);
}

inline std::filesystem::path parent_of(std::filesystem::path const& path) {
  auto const parent = path.parent_path();
  return parent.empty() ? std::filesystem::path(".") : parent;
}

/// The path without a trailing slash, so that it has a file name.
inline std::filesystem::path named(std::filesystem::path path) {
  path = path.lexically_normal();
  return path.has_filename() ? path : path.parent_path();
}

inline std::filesystem::path partial_beside(std::filesystem::path const& path) {
  return parent_of(path) / fmt::format(".{}.partial", path.filename().string());
}

}  // namespace detail

VCFLASH_INLINE AtomicFile::AtomicFile(std::filesystem::path path)
    : path_(detail::named(std::move(path))), partial_(detail::partial_beside(path_)) {
  file_ = ::open(partial_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  if (file_ < 0) detail::fail_to_write(path_, errno);
}

VCFLASH_INLINE AtomicFile::~AtomicFile() {
  if (file_ >= 0) ::close(file_);
  if (!committed_) ::unlink(partial_.c_str());
}

VCFLASH_INLINE void AtomicFile::write(std::span<std::byte const> bytes) {
  while (!bytes.empty()) {
    // Linux writes at most 2 GiB at a time.
    auto const chunk = std::min(bytes.size(), std::size_t{1} << 30);
    auto const written = ::write(file_, bytes.data(), chunk);
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) detail::fail_to_write(path_, errno);
    bytes = bytes.subspan(static_cast<std::size_t>(written));
  }
}

VCFLASH_INLINE void AtomicFile::commit() {
  if (::fsync(file_) != 0) detail::fail_to_write(path_, errno);
  int const closed = ::close(std::exchange(file_, -1));
  if (closed != 0) detail::fail_to_write(path_, errno);
  if (::rename(partial_.c_str(), path_.c_str()) != 0) detail::fail_to_write(path_, errno);
  committed_ = true;
  detail::flush_to_disk(detail::parent_of(path_), true);
}

VCFLASH_INLINE void make_folder(std::filesystem::path const& folder) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error) {
    throw Error(
        fmt::format("{}: the folder cannot be made ({}).", folder.string(), error.message()));
  }
}

VCFLASH_INLINE void write_file(std::filesystem::path const& path, std::string_view content) {
  AtomicFile file(path);
  file.write(content);
  file.commit();
}

VCFLASH_INLINE StagedFolder::StagedFolder(std::filesystem::path target, Place place)
    : target_(detail::named(std::move(target))),
      staging_(place == Place::beside ? detail::partial_beside(target_) : target_ / ".partial") {
  std::error_code error;
  std::filesystem::create_directories(detail::parent_of(staging_), error);
  // Left by a process that died while writing.
  if (!error) std::filesystem::remove_all(staging_, error);
  if (!error) std::filesystem::create_directory(staging_, error);
  if (error) detail::fail_to_write(target_, error.value());
}

VCFLASH_INLINE StagedFolder::~StagedFolder() {
  std::error_code ignored;
  std::filesystem::remove_all(staging_, ignored);
}

VCFLASH_INLINE std::filesystem::path StagedFolder::staging_of(std::filesystem::path const& target) {
  return detail::partial_beside(target);
}

VCFLASH_INLINE void StagedFolder::commit() {
  flush();
  if (::rename(staging_.c_str(), target_.c_str()) != 0) {
    if (errno != ENOTEMPTY && errno != EEXIST) detail::fail_to_write(target_, errno);
    exchange();
  }
  detail::flush_to_disk(detail::parent_of(target_), true);
}

VCFLASH_INLINE void StagedFolder::commit_into(bool (*outdated)(std::string_view)) {
  flush();
  std::error_code error;
  std::filesystem::create_directories(target_, error);
  if (error) detail::fail_to_write(target_, error.value());
  auto const staged = names_in(staging_);
  for (auto const& name : staged) {
    if (::rename((staging_ / name).c_str(), (target_ / name).c_str()) != 0) {
      detail::fail_to_write(target_ / name, errno);
    }
  }
  detail::flush_to_disk(target_, true);
  if (!outdated) return;
  for (auto const& name : names_in(target_)) {
    if (outdated(name.string()) && !std::ranges::binary_search(staged, name)) {
      std::filesystem::remove(target_ / name, error);
      if (error) detail::fail_to_write(target_ / name, error.value());
    }
  }
}

VCFLASH_INLINE std::vector<std::filesystem::path> StagedFolder::names_in(
    std::filesystem::path const& folder) {
  std::vector<std::filesystem::path> result;
  for (auto const& entry : std::filesystem::directory_iterator(folder)) {
    result.push_back(entry.path().filename());
  }
  std::ranges::sort(result);
  return result;
}

VCFLASH_INLINE void StagedFolder::flush() const {
  for (auto const& entry : std::filesystem::recursive_directory_iterator(staging_)) {
    detail::flush_to_disk(entry.path(), entry.is_directory());
  }
  detail::flush_to_disk(staging_, true);
}

VCFLASH_INLINE void StagedFolder::exchange() const {
  if (::renameat2(AT_FDCWD, staging_.c_str(), AT_FDCWD, target_.c_str(), RENAME_EXCHANGE) == 0) {
    return;
  }
  auto const old = detail::parent_of(target_) / fmt::format(".{}.old", target_.filename().string());
  std::error_code error;
  std::filesystem::remove_all(old, error);
  if (!error) std::filesystem::rename(target_, old, error);
  if (error) detail::fail_to_write(target_, error.value());
  std::filesystem::rename(staging_, target_, error);
  if (error) {
    std::error_code ignored;
    std::filesystem::rename(old, target_, ignored);
    detail::fail_to_write(target_, error.value());
  }
  std::filesystem::remove_all(old, error);
}

}  // namespace vcflash::checkpoint
