#pragma once

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstring>
#include <filesystem>
#include <memory>
#include <span>
#include <utility>

#include <fmt/format.h>

#include <vcflash/base/error.hpp>

namespace vcflash::checkpoint {

/// A whole file in memory, read by the pages that are touched. Writing through the bytes changes
/// this process's copy only, never the file. Copies share the mapping; the last one releases it.
class MappedFile {
 public:
  /// \throws InputError if the file is missing, unreadable or not a regular file
  explicit MappedFile(std::filesystem::path path) : path_(std::move(path)) {
    // A pipe would be waited for; it is refused below.
    int const file = ::open(path_.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (file < 0) {
      throw InputError(
          fmt::format("{}: cannot be opened ({}).", path_.string(), std::strerror(errno)));
    }
    struct stat status {};
    bool const regular = ::fstat(file, &status) == 0 && S_ISREG(status.st_mode);
    auto const size = regular ? static_cast<std::size_t>(status.st_size) : 0;
    // An empty file cannot be mapped and needs no mapping.
    void* const data = size == 0 ? nullptr
                                 : ::mmap(nullptr, size, PROT_READ | PROT_WRITE,
                                          MAP_PRIVATE | MAP_NORESERVE, file, 0);
    int const error = errno;
    ::close(file);
    if (!regular) throw InputError(fmt::format("{}: is not a regular file.", path_.string()));
    if (data == MAP_FAILED) {
      throw InputError(
          fmt::format("{}: cannot be read ({}).", path_.string(), std::strerror(error)));
    }
    mapping_ = std::shared_ptr<std::byte>(static_cast<std::byte*>(data), [size](std::byte* bytes) {
      if (bytes != nullptr) ::munmap(bytes, size);
    });
    size_ = size;
  }

  std::span<std::byte> bytes() const { return {mapping_.get(), size_}; }
  std::filesystem::path const& path() const { return path_; }

  /// Keeps the mapping alive for as long as it is held.
  std::shared_ptr<std::byte> const& mapping() const { return mapping_; }

 private:
  std::filesystem::path path_;
  std::shared_ptr<std::byte> mapping_;
  std::size_t size_ = 0;
};

}  // namespace vcflash::checkpoint
