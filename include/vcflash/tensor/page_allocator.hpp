#pragma once

#include <c10/core/Allocator.h>

#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>
#include <set>
#include <unordered_map>
#include <utility>

#include <vcflash/meta/separate.hpp>

namespace vcflash {

/// Memory of CPU tensors. A large one has pages of its own, huge ones where the system offers them.
/// What is freed is kept for the next tensor of about its size, up to an eighth of the most that
/// was ever in use but 64 MiB at least, and goes back to the system beyond that. malloc's heap
/// would keep the holes between tensors that live on. Smaller tensors are on it, as LibTorch's own
/// allocator has them.
class PageAllocator final : public c10::Allocator {
 public:
  static constexpr std::size_t large = std::size_t(1) << 20;  ///< bytes of a large tensor, or more
  static constexpr std::size_t always_kept = std::size_t(64) << 20;  ///< however little is in use

  /// The one of this process, which lives as long.
  static PageAllocator& instance();

  /// \throws c10::Error if there is not enough memory
  c10::DataPtr allocate(std::size_t bytes) override;
  c10::DeleterFnPtr raw_deleter() const override { return &release; }
  void copy_data(void* to, void const* from, std::size_t bytes) const override {
    default_copy_data(to, from, bytes);
  }

  std::size_t used() const;  ///< bytes in large tensors
  std::size_t kept() const;  ///< bytes kept for those to come

 private:
  struct Block {
    void* begin;
    std::size_t bytes;
  };

  PageAllocator() = default;
  static void release(void* begin);
  void* take_kept(std::size_t bytes);
  void keep(Block block);
  void give_back(std::size_t kept_at_most);
  void note_use(Block block);

  mutable std::mutex mutex_;
  std::unordered_map<void*, std::size_t> in_use_;
  std::map<std::uint64_t, Block> kept_blocks_;                  ///< by when they came
  std::set<std::pair<std::size_t, std::uint64_t>> kept_sizes_;  ///< bytes of each, when it came
  std::uint64_t came_ = 0;
  std::size_t used_ = 0, most_used_ = 0, kept_ = 0;
};

/// From now on CPU tensors of this process have their memory from `PageAllocator`.
void give_large_tensors_pages();

}  // namespace vcflash

#ifndef VCFLASH_SEPARATE
#include <vcflash/tensor/page_allocator.ipp>
#endif
