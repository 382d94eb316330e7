#pragma once

#include <sys/mman.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace vcflash::media {

/// An 8-bit RGB picture, rows from top to bottom.
struct Image {
  int height = 0, width = 0;      ///< pixels
  std::vector<std::uint8_t> rgb;  ///< [height, width, 3]
};

/// 8-bit RGB pictures of one size, in the order they were asked for.
struct Frames {
  int count = 0, height = 0, width = 0;
  std::vector<std::uint8_t> rgb;  ///< [count, height, width, 3]

  std::size_t frame_bytes() const { return std::size_t(height) * std::size_t(width) * 3; }

  /// \return one frame's pixels, [height, width, 3]; `index` in [0, count)
  std::span<std::uint8_t const> frame(int index) const {
    return {rgb.data() + std::size_t(index) * frame_bytes(), frame_bytes()};
  }
  std::span<std::uint8_t> frame(int index) {
    return {rgb.data() + std::size_t(index) * frame_bytes(), frame_bytes()};
  }
};

/// The same frames, last first.
inline Frames reversed(Frames const& frames) {
  Frames turned{frames.count, frames.height, frames.width, {}};
  turned.rgb.reserve(frames.rgb.size());
  for (int i = frames.count - 1; i >= 0; --i) {
    auto const frame = frames.frame(i);
    turned.rgb.insert(turned.rgb.end(), frame.begin(), frame.end());
  }
  return turned;
}

/// Gives the memory of pixels that are read no more back to the system, as far as it is whole
/// pages.
inline void give_back(std::span<std::uint8_t const> pixels) {
  auto const page = std::uintptr_t(sysconf(_SC_PAGESIZE));
  auto const begin = (reinterpret_cast<std::uintptr_t>(pixels.data()) + page - 1) / page * page;
  auto const end = reinterpret_cast<std::uintptr_t>(pixels.data() + pixels.size()) / page * page;
  if (begin < end) madvise(reinterpret_cast<void*>(begin), end - begin, MADV_DONTNEED);
}

}  // namespace vcflash::media
