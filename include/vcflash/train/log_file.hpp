#pragma once

#include <cstddef>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>

#include <vcflash/meta/separate.hpp>

namespace vcflash::train {

/// A file that a run adds to, and that never ends the run: what cannot be written now (a full disk,
/// a quota, an error of a network's disk) stays in memory and goes before what comes next. Bytes
/// are written once and in order, however often the disk stops in the middle.
class LogFile {
 public:
  /// Is told in one sentence that the file cannot be written, once until it can be again.
  using Warn = std::function<void(std::string const& sentence)>;

  /// \param path whose folder is made when the first bytes are written
  explicit LogFile(std::filesystem::path path, Warn warn = {});
  ~LogFile();
  LogFile(LogFile const&) = delete;
  LogFile& operator=(LogFile const&) = delete;

  /// Adds to the file's end.
  void append(std::string_view bytes);

  /// Bytes that are still to be written.
  std::size_t waiting() const { return waiting_.size(); }

 private:
  /// Writes what it can of what waits. \return the error that stopped it, or 0
  int write_waiting();

  std::filesystem::path path_;
  Warn warn_;
  std::string waiting_;
  int file_ = -1;
  bool told_ = false;
};

}  // namespace vcflash::train

#ifndef VCFLASH_SEPARATE
#include <vcflash/train/log_file.ipp>
#endif
