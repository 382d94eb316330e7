#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string_view>
#include <vector>

#include <vcflash/meta/separate.hpp>

/// Writing so that a reader never sees half of anything: new content is written in full beside
/// the old, flushed to the disk, and only then takes its name.
namespace vcflash::checkpoint {

/// A file that appears under its name only when `commit` returns; until then, and after any
/// failure, the name holds what it held before.
class AtomicFile {
 public:
  /// \throws Error if the folder does not exist or cannot be written
  explicit AtomicFile(std::filesystem::path path);
  ~AtomicFile();
  AtomicFile(AtomicFile const&) = delete;
  AtomicFile& operator=(AtomicFile const&) = delete;

  /// \throws Error for instance on a full disk
  void write(std::span<std::byte const> bytes);
  void write(std::string_view text) { write(std::as_bytes(std::span(text.data(), text.size()))); }

  void commit();

 private:
  std::filesystem::path path_, partial_;
  int file_ = -1;
  bool committed_ = false;
};

/// Makes a folder and those above it.
/// \throws Error if it cannot be made
void make_folder(std::filesystem::path const& folder);

/// Replaces a file by `content`, wholly or not at all.
void write_file(std::filesystem::path const& path, std::string_view content);

/// A folder that is filled out of sight and then takes its target's place, or joins it. A
/// destructor without a commit leaves the target as it was.
class StagedFolder {
 public:
  /// Where the hidden folder is: `inside` is for files that join those of the target.
  enum class Place { beside, inside };

  /// \throws Error if the hidden folder cannot be made
  explicit StagedFolder(std::filesystem::path target, Place place = Place::beside);
  ~StagedFolder();
  StagedFolder(StagedFolder const&) = delete;
  StagedFolder& operator=(StagedFolder const&) = delete;

  /// Where to write.
  std::filesystem::path const& path() const { return staging_; }

  /// The hidden folder beside a target, which another process made.
  static std::filesystem::path staging_of(std::filesystem::path const& target);

  /// The target becomes exactly what was staged; what it held before is removed afterwards.
  void commit();

  /// The staged files join those in the target, replacing files of the same name; other files of
  /// the target stay. Everything is on the disk before the first name changes.
  /// \param outdated whose files of the target go, too, unless they were staged; none: no file does
  void commit_into(bool (*outdated)(std::string_view name) = nullptr);

 private:
  /// In order.
  static std::vector<std::filesystem::path> names_in(std::filesystem::path const& folder);
  void flush() const;
  /// Both folders exist: swap their names in one step where the file system can, else in two.
  void exchange() const;

  std::filesystem::path target_, staging_;
};

}  // namespace vcflash::checkpoint

#ifndef VCFLASH_SEPARATE
#include <vcflash/checkpoint/atomic.ipp>
#endif
