#pragma once

#include <sys/mman.h>
#include <unistd.h>

#include <c10/core/CPUAllocator.h>
#include <c10/core/impl/alloc_cpu.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include <vcflash/tensor/page_allocator.hpp>

namespace vcflash {

namespace detail {

inline constexpr std::size_t huge_page = std::size_t(1) << 21;

/// Bytes of a page: 4,096 on x86-64, 16 or 64 KiB elsewhere.
VCFLASH_INLINE std::size_t page_size() {
  static auto const size = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
  return size;
}

VCFLASH_INLINE bool begins_huge_page(void const* begin) {
  return reinterpret_cast<std::uintptr_t>(begin) % huge_page == 0;
}

/// Pages that begin where a huge one can; null if there are none.
/// \param bytes whole pages
VCFLASH_INLINE void* map_pages(std::size_t bytes) {
  std::size_t const mapped = bytes + huge_page - page_size();
  void* const pages =
      ::mmap(nullptr, mapped, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (pages == MAP_FAILED) return nullptr;
  std::size_t const before = -reinterpret_cast<std::uintptr_t>(pages) % huge_page;
  auto* const begin = static_cast<std::byte*>(pages) + before;
  std::size_t const after = mapped - before - bytes;
  if (before > 0) ::munmap(pages, before);
  if (after > 0) ::munmap(begin + bytes, after);
  ::madvise(begin, bytes, MADV_HUGEPAGE);  // only advice: not every system has them
  return begin;
}

}  // namespace detail

VCFLASH_INLINE PageAllocator& PageAllocator::instance() {
  static auto* const allocator = new PageAllocator;  // tensors of static storage may outlive others
  return *allocator;
}

VCFLASH_INLINE c10::DataPtr PageAllocator::allocate(std::size_t bytes) {
  auto const owned = [](void* begin) {
    return c10::DataPtr(begin, begin, &release, c10::DeviceType::CPU);
  };
  if (bytes < large) return owned(c10::alloc_cpu(bytes));
  bytes = (bytes + detail::page_size() - 1) / detail::page_size() * detail::page_size();
  if (void* const begin = take_kept(bytes)) return owned(begin);
  void* begin = detail::map_pages(bytes);
  if (!begin) {
    std::lock_guard const lock(mutex_);
    give_back(0);
    begin = detail::map_pages(bytes);
  }
  if (!begin) return owned(c10::alloc_cpu(bytes));  // fails in LibTorch's words
  std::lock_guard const lock(mutex_);
  note_use({begin, bytes});
  return owned(begin);
}

VCFLASH_INLINE void PageAllocator::release(void* begin) {
  auto& self = instance();
  if (detail::begins_huge_page(begin)) {
    std::lock_guard const lock(self.mutex_);
    if (auto const found = self.in_use_.find(begin); found != self.in_use_.end()) {
      std::size_t const bytes = found->second;
      self.in_use_.erase(found);
      self.used_ -= bytes;
      self.keep({begin, bytes});
      return;
    }
  }
  c10::free_cpu(begin);
}

/// The smallest kept block that is large enough, and no more than an eighth larger; null if none.
VCFLASH_INLINE void* PageAllocator::take_kept(std::size_t bytes) {
  std::lock_guard const lock(mutex_);
  auto const best = kept_sizes_.lower_bound({bytes, 0});
  if (best == kept_sizes_.end() || best->first > bytes + bytes / 8) return nullptr;
  auto const kept = kept_blocks_.extract(best->second);
  kept_sizes_.erase(best);
  Block const block = kept.mapped();
  kept_ -= block.bytes;
  note_use(block);
  return block.begin;
}

/// Keeps a block in the place of those kept longest; what is too large for that goes at once.
VCFLASH_INLINE void PageAllocator::keep(Block block) {
  std::size_t const at_most = std::max(always_kept, most_used_ / 8);
  if (block.bytes > at_most) {
    ::munmap(block.begin, block.bytes);
    return;
  }
  kept_blocks_.emplace_hint(kept_blocks_.end(), came_, block);
  kept_sizes_.emplace(block.bytes, came_++);
  kept_ += block.bytes;
  give_back(at_most);
}

/// Gives the system what is kept beyond this many bytes.
VCFLASH_INLINE void PageAllocator::give_back(std::size_t kept_at_most) {
  while (kept_ > kept_at_most) {
    auto const oldest = kept_blocks_.begin();
    auto const [begin, bytes] = oldest->second;
    ::munmap(begin, bytes);
    kept_ -= bytes;
    kept_sizes_.erase({bytes, oldest->first});
    kept_blocks_.erase(oldest);
  }
}

VCFLASH_INLINE void PageAllocator::note_use(Block block) {
  in_use_.emplace(block.begin, block.bytes);
  used_ += block.bytes;
  most_used_ = std::max(most_used_, used_);
}

VCFLASH_INLINE std::size_t PageAllocator::used() const {
  std::lock_guard const lock(mutex_);
  return used_;
}

VCFLASH_INLINE std::size_t PageAllocator::kept() const {
  std::lock_guard const lock(mutex_);
  return kept_;
}

VCFLASH_INLINE void give_large_tensors_pages() { c10::SetCPUAllocator(&PageAllocator::instance()); }

}  // namespace vcflash
