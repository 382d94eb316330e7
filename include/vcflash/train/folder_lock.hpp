#pragma once

#include <filesystem>

#include <vcflash/meta/separate.hpp>

namespace vcflash::train {

/// Keeps a folder for one run at a time, by a lock on the file `.lock` in it that ends with the
/// process, however that ends. Where the disk knows no locks, nothing is kept.
class FolderLock {
 public:
  /// \throws Error if another process has the folder, naming it
  explicit FolderLock(std::filesystem::path const& folder);
  ~FolderLock();
  FolderLock(FolderLock const&) = delete;
  FolderLock& operator=(FolderLock const&) = delete;

 private:
  int file_ = -1;
};

}  // namespace vcflash::train

#ifndef VCFLASH_SEPARATE
#include <vcflash/train/folder_lock.ipp>
#endif
