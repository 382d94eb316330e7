#pragma once

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <string>

#include <fmt/format.h>

#include <vcflash/base/error.hpp>
#include <vcflash/train/folder_lock.hpp>

namespace vcflash::train {

VCFLASH_INLINE FolderLock::FolderLock(std::filesystem::path const& folder) {
  auto const path = folder / ".lock";
  file_ = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
  if (file_ < 0) {
    throw Error(fmt::format("{}: cannot be written ({}).", path.string(), std::strerror(errno)));
  }
  if (::flock(file_, LOCK_EX | LOCK_NB) == 0) {
    std::array<char, 256> host{};
    ::gethostname(host.data(), host.size() - 1);
    auto const holder = fmt::format("process {} on {}", ::getpid(), host.data());
    // Who has it is for people only.
    if (::ftruncate(file_, 0) == 0) {
      [[maybe_unused]] auto const written = ::pwrite(file_, holder.data(), holder.size(), 0);
    }
    return;
  }
  if (errno != EWOULDBLOCK) return;
  std::array<char, 512> holder{};
  auto const size = ::pread(file_, holder.data(), holder.size() - 1, 0);
  ::close(file_);
  throw Error(fmt::format("{}: {} trains into it; wait for its end, or give another --out.",
                          folder.string(), size > 0 ? holder.data() : "another process"));
}

VCFLASH_INLINE FolderLock::~FolderLock() { ::close(file_); }

}  // namespace vcflash::train
