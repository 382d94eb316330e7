#pragma once

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <system_error>
#include <utility>

#include <fmt/format.h>

#include <vcflash/train/log_file.hpp>

namespace vcflash::train {

VCFLASH_INLINE LogFile::LogFile(std::filesystem::path path, Warn warn)
    : path_(std::move(path)), warn_(std::move(warn)) {}

VCFLASH_INLINE LogFile::~LogFile() {
  write_waiting();
  if (file_ >= 0) ::close(file_);
}

VCFLASH_INLINE void LogFile::append(std::string_view bytes) {
  waiting_ += bytes;
  int const error = write_waiting();
  if (error != 0 && !std::exchange(told_, true) && warn_) {
    warn_(
        fmt::format("{}: cannot be written now ({}); the run goes on, and what the file lacks is "
                    "added as soon as it can be.",
                    path_.string(), std::strerror(error)));
  }
  if (error == 0) told_ = false;
}

VCFLASH_INLINE int LogFile::write_waiting() {
  if (file_ < 0) {
    std::error_code ignored;  // opening says what is wrong
    std::filesystem::create_directories(path_.parent_path(), ignored);
    file_ = ::open(path_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
    if (file_ < 0) return errno;
  }
  while (!waiting_.empty()) {
    auto const written = ::write(file_, waiting_.data(), waiting_.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) {
      int const error = errno;
      // A handle of a network's file may stay broken: the next try opens the file anew.
      ::close(std::exchange(file_, -1));
      return error;
    }
    waiting_.erase(0, static_cast<std::size_t>(written));
  }
  return 0;
}

}  // namespace vcflash::train
