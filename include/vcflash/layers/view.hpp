#pragma once

#include <cstdint>

namespace vcflash {

/// What is looked at, and the grid of patches that an encoder sees it as.
struct View {
  bool image = false;  ///< a picture; else frames of a video, even if it is one
  std::int64_t frames = 1, rows = 0, columns = 0;

  constexpr std::int64_t frame_tokens() const { return rows * columns; }
  constexpr std::int64_t tokens() const { return frames * rows * columns; }
  bool operator==(View const&) const = default;
};

/// Rows and columns of an image's tokens; none if they have no place in the image.
struct TokenGrid {
  std::int64_t rows = 0, columns = 0;
};

}  // namespace vcflash
