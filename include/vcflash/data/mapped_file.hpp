#pragma once

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include <fmt/format.h>

#include <vcflash/meta/error.hpp>

namespace vcflash::data {

/// A file's size, and when it was last changed.
struct FileStamp {
  std::uint64_t size = 0;
  std::int64_t nanoseconds = 0;
  bool operator==(FileStamp const&) const = default;
};

/// A file as memory. Pages that were read go when others need the room. Behind the last byte there
/// are zeros, as parsers want that read in wide steps.
class MappedFile {
 public:
  static constexpr std::size_t padding = 64;

  /// \throws InputError naming the file if it cannot be read
  explicit MappedFile(std::filesystem::path const& path) : name_(path.string()) {
    file_ = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (file_ < 0) refuse(errno);
    stamp_ = stamp();
    std::error_code error;
    if (!std::filesystem::is_regular_file(path, error)) {
      ::close(file_);
      throw InputError(fmt::format("{}: is not a file.", name_));
    }
    // Zeros first, wide enough for the padding; then the file over their beginning.
    mapped_ = static_cast<std::size_t>(stamp_.size) + padding;
    void* memory = ::mmap(nullptr, mapped_, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory != MAP_FAILED && stamp_.size > 0)
      memory = ::mmap(memory, stamp_.size, PROT_READ, MAP_PRIVATE | MAP_FIXED, file_, 0);
    if (memory == MAP_FAILED) refuse(errno);
    memory_ = static_cast<char const*>(memory);
  }

  ~MappedFile() {
    if (memory_ != nullptr) ::munmap(const_cast<char*>(memory_), mapped_);
    if (file_ >= 0) ::close(file_);
  }
  MappedFile(MappedFile const&) = delete;
  MappedFile& operator=(MappedFile const&) = delete;

  std::string const& name() const { return name_; }
  std::string_view bytes() const { return {memory_, static_cast<std::size_t>(stamp_.size)}; }

  /// When it was opened.
  FileStamp const& opened() const { return stamp_; }

  /// \throws InputError if the file has become shorter: what is mapped of it would be gone
  void require_whole() const {
    if (stamp().size < stamp_.size)
      throw InputError(fmt::format("{}: was cut off while it was in use.", name_));
  }

  /// Says that bytes [begin, end) are not needed in memory for now.
  void release(std::size_t begin, std::size_t end) const {
    auto const page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
    begin = (begin + page - 1) / page * page;
    end = std::min(end, static_cast<std::size_t>(stamp_.size)) / page * page;
    if (begin < end) ::madvise(const_cast<char*>(memory_) + begin, end - begin, MADV_DONTNEED);
  }

 private:
  [[noreturn]] void refuse(int reason) {
    if (file_ >= 0) ::close(std::exchange(file_, -1));
    throw InputError(fmt::format(
        "{}: the file cannot be read ({}).", name_,
        reason == ENOENT ? "there is no such file" : std::generic_category().message(reason)));
  }

  FileStamp stamp() const {
    struct stat facts {};
    if (::fstat(file_, &facts) != 0) return {};
    return {static_cast<std::uint64_t>(facts.st_size),
            facts.st_mtim.tv_sec * std::int64_t{1'000'000'000} + facts.st_mtim.tv_nsec};
  }

  std::string name_;
  int file_ = -1;
  FileStamp stamp_;
  std::size_t mapped_ = 0;
  char const* memory_ = nullptr;
};

}  // namespace vcflash::data
