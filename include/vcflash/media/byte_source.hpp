#pragma once

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <system_error>

#include <vcflash/base/error.hpp>

/// Where the bytes of films, pictures and annotations come from.
namespace vcflash::media {

/// Bytes could not be read though they are there: an I/O error, a stale handle, a server that is
/// away. Another attempt may succeed a moment later.
struct ReadError : InputError {
  using InputError::InputError;
};

/// A row of bytes that any thread may read at any place. An error is an exception, never an end:
/// whoever reads fewer bytes than expected has reached the end.
class ByteSource {
 public:
  ByteSource() = default;
  ByteSource(ByteSource const&) = delete;
  ByteSource& operator=(ByteSource const&) = delete;
  virtual ~ByteSource() = default;

  /// What messages call it.
  virtual std::string const& name() const = 0;
  virtual std::int64_t size() const = 0;  ///< bytes

  /// \param at bytes from the beginning
  /// \return how many bytes were read: fewer than there is room for only at the end
  /// \throws ReadError naming the source
  virtual std::size_t read_at(std::int64_t at, std::span<std::uint8_t> bytes) const = 0;
};

/// A file's size, and when it was last changed.
struct FileStamp {
  std::uint64_t size = 0;
  std::int64_t nanoseconds = 0;
  bool operator==(FileStamp const&) const = default;
};

/// A file of a file system.
class StoredFile final : public ByteSource {
 public:
  /// \throws InputError if there is no such file or it is none, ReadError if it cannot be opened
  explicit StoredFile(std::filesystem::path const& path) : name_(path.string()) {
    // a pipe that nobody writes to would wait for ever when opened
    std::error_code error;
    if (!std::filesystem::exists(path, error)) {
      if (error) refuse(error.value());
      fail<InputError>(name_, ": no such file");
    }
    if (!std::filesystem::is_regular_file(path, error)) fail<InputError>(name_, ": not a file");
    file_ = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    struct stat facts {};
    if (file_ < 0) refuse(errno);
    if (::fstat(file_, &facts) != 0) {
      int const reason = errno;
      ::close(file_);
      refuse(reason);
    }
    stamp_ = {static_cast<std::uint64_t>(facts.st_size),
              facts.st_mtim.tv_sec * std::int64_t{1'000'000'000} + facts.st_mtim.tv_nsec};
  }
  ~StoredFile() override { ::close(file_); }

  std::string const& name() const override { return name_; }
  std::int64_t size() const override { return static_cast<std::int64_t>(stamp_.size); }
  FileStamp const& stamp() const { return stamp_; }  ///< when it was opened

  /// \throws ReadError also if the file has become shorter since it was opened
  std::size_t read_at(std::int64_t at, std::span<std::uint8_t> bytes) const override {
    std::size_t done = 0;
    while (done < bytes.size()) {
      auto const place = at + static_cast<std::int64_t>(done);
      ssize_t const read = ::pread(file_, bytes.data() + done, bytes.size() - done, place);
      if (read < 0 && errno == EINTR) continue;
      if (read < 0) refuse(errno);
      if (read == 0 && place < size()) {
        fail<ReadError>(name_, ": was cut off while it was in use, from ", size(), " bytes to ",
                        place, " or fewer");
      }
      if (read == 0) break;
      done += static_cast<std::size_t>(read);
    }
    return done;
  }

 private:
  [[noreturn]] void refuse(int reason) const {
    fail<ReadError>(name_, ": cannot be read: ", std::generic_category().message(reason));
  }

  std::string name_;
  int file_ = -1;
  FileStamp stamp_;
};

}  // namespace vcflash::media
