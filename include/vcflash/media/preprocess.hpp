#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include <vcflash/base/error.hpp>
#include <vcflash/media/frames.hpp>
#include <vcflash/media/resize.hpp>

namespace vcflash::media {

/// The plain preparation of an image: straight to a square, no aspect keeping.
/// \throws InputError for a picture one pixel high, whose layout upstream's processor mistakes for
///   channels first and refuses
inline Image to_square(Image const& image, int side) {
  if (image.height == 1) fail<InputError>("a picture one pixel high is not taken");
  return resize_bicubic(image, side, side);
}

/// Centres a picture in a square of its longer side (LLaVA's `expand2square`).
/// \param fill red, green, blue of the border; by default ImageNet's mean
inline Image pad_to_square(Image const& image, std::array<std::uint8_t, 3> fill = {123, 116, 103}) {
  int const side = std::max(image.height, image.width);
  Image square{side, side, {}};
  square.rgb.resize(std::size_t(side) * std::size_t(side) * 3);
  for (std::size_t b = 0; b < square.rgb.size(); ++b) square.rgb[b] = fill[b % 3];
  std::size_t const row = std::size_t(image.width) * 3;
  int const top = (side - image.height) / 2, left = (side - image.width) / 2;
  for (int y = 0; y < image.height; ++y) {
    std::copy_n(
        image.rgb.data() + std::size_t(y) * row, row,
        square.rgb.data() + (std::size_t(top + y) * std::size_t(side) + std::size_t(left)) * 3);
  }
  return square;
}

namespace detail {

/// The rows of a picture centred in a square of its longer side, resized to a width; the square
/// itself is never made.
class PaddedRows {
 public:
  /// \param axis from the square's side to the width
  PaddedRows(Image const& image, AxisWeights const& axis, std::array<std::uint8_t, 3> fill)
      : image_(image),
        top_((axis.in - image.height) / 2),
        left_((axis.in - image.width) / 2),
        begin_(first_output(axis, [&](auto tap) { return tap.first + tap.count > left_; })),
        part_(axis, begin_,
              first_output(axis, [&](auto tap) { return tap.first >= left_ + image.width; })),
        margin_(left_ - axis.taps[std::size_t(begin_)].first),
        row_bytes_(std::size_t(axis.out) * 3) {
    auto const filled = [&](int pixels) {
      std::vector<std::uint8_t> row(std::size_t(pixels) * 3);
      for (std::size_t b = 0; b < row.size(); ++b) row[b] = fill[b % 3];
      return row;
    };
    border_.resize(row_bytes_);
    resize_rows(axis, filled(axis.in).data(), 0, 1, border_.data());
    padded_ = filled(part_.in);
    inner_.resize(std::size_t(part_.out) * 3);
  }

  /// \param out [rows, width, 3]
  void operator()(int first, int rows, std::uint8_t* out) {
    for (int y = first - top_; y < first - top_ + rows; ++y, out += row_bytes_) {
      std::ranges::copy(border_, out);
      if (y < 0 || y >= image_.height) continue;
      std::size_t const bytes = std::size_t(image_.width) * 3;
      std::copy_n(image_.rgb.data() + std::size_t(y) * bytes, bytes,
                  padded_.data() + std::size_t(margin_) * 3);
      resize_rows(part_, padded_.data(), 0, 1, inner_.data());
      std::ranges::copy(inner_, out + std::ptrdiff_t(begin_) * 3);
    }
  }

 private:
  /// The first output whose inputs are as asked for, or how many there are; they are in order.
  template <class Is>
  static int first_output(AxisWeights const& axis, Is&& is) {
    return int(std::ranges::find_if(axis.taps, is) - axis.taps.begin());
  }

  Image const& image_;
  int top_, left_;    ///< where the picture stands in the square
  int begin_;         ///< the first output that some of the picture goes into
  AxisWeights part_;  ///< the outputs that some of it goes into
  int margin_;        ///< of those, pixels of border before the picture
  std::size_t row_bytes_;
  std::vector<std::uint8_t> border_, padded_, inner_;
};

}  // namespace detail

/// What `to_square` makes of `pad_to_square`, bit for bit; no square of the longer side is made,
/// which of a long narrow picture is many times its own size.
/// \throws InputError for a picture of one pixel
inline Image to_padded_square(Image const& image, int side,
                              std::array<std::uint8_t, 3> fill = {123, 116, 103}) {
  int const longer = std::max(image.height, image.width);
  if (longer == 1) fail<InputError>("a picture of one pixel is not taken");
  BicubicResizer resizer(longer, longer, side, side);
  detail::PaddedRows rows(image, resizer.horizontal(), fill);
  Image square{side, side, {}};
  square.rgb.resize(std::size_t(side) * std::size_t(side) * 3);
  resizer.resize_narrowed(rows, square.rgb.data());
  return square;
}

/// A size in pixels, or in tiles.
struct Extent {
  int width, height;
  bool operator==(Extent const&) const = default;
};

/// The grids from `least` to `most`, in tiles, in upstream's order.
inline std::vector<Extent> grids(Extent least, Extent most, int tile) {
  std::vector<Extent> sizes;
  for (int i = least.width; i <= most.width; ++i) {
    for (int j = least.height; j <= most.height; ++j) sizes.push_back({i * tile, j * tile});
  }
  return sizes;
}

/// Reads upstream's `image_grid_pinpoints`: `(1x1),...,(6x6)`, a range in tiles, or
/// `[(336, 672), (672, 336)]`, a list of widths and heights in pixels.
/// \throws InputError for anything else
inline std::vector<Extent> parse_grids(std::string const& text, int tile) {
  bool const range = text.find('x') != std::string::npos;
  std::vector<Extent> pairs;
  for (std::size_t at = text.find('('); at != std::string::npos; at = text.find('(', at + 1)) {
    Extent pair{};
    int read = 0;
    char const* const format = range ? "(%dx%d)%n" : "(%d , %d)%n";
    if (std::sscanf(text.c_str() + at, format, &pair.width, &pair.height, &read) == 2 && read > 0) {
      pairs.push_back(pair);
    }
  }
  if (pairs.empty()) {
    fail<InputError>("'", text, "' names no grids; write '(1x1),...,(6x6)' or '[(336, 672)]'");
  }
  return range ? grids(pairs.front(), pairs.back(), tile) : pairs;
}

/// The grid that shows a picture with the most of its own pixels, and of those the smallest
/// (LLaVA-NeXT's `select_best_resolution`).
/// \param sizes that may be chosen, in pixels
/// \param most_pixels of the grid and one thumbnail, if bounded; one tile is always allowed
/// \throws Error if no size may be chosen
inline Extent best_grid(Extent picture, std::vector<Extent> const& sizes, int tile,
                        std::optional<std::int64_t> most_pixels = {}) {
  std::int64_t most_shown = 0, least_wasted = std::numeric_limits<std::int64_t>::max();
  std::optional<Extent> best;
  for (Extent const size : sizes) {
    std::int64_t const area = std::int64_t(size.width) * size.height;
    std::int64_t const tile_area = std::int64_t(tile) * tile;
    if (most_pixels && area != tile_area && area + tile_area > *most_pixels) continue;
    double const scale =
        std::min(double(size.width) / picture.width, double(size.height) / picture.height);
    auto const width = std::int64_t(picture.width * scale);
    auto const height = std::int64_t(picture.height * scale);
    std::int64_t const shown =
        std::min(width * height, std::int64_t(picture.width) * picture.height);
    std::int64_t const wasted = area - shown;
    if (shown > most_shown || (shown == most_shown && wasted < least_wasted)) {
      most_shown = shown;
      least_wasted = wasted;
      best = size;
    }
  }
  if (!best) fail<Error>("no grid of tiles was given for a picture");
  return *best;
}

/// The tiles of a picture under `anyres_nopad`: the whole picture as one tile, then the picture
/// stretched to `grid`, cut row by row.
/// \param grid pixels, multiples of `tile`
inline Frames cut_tiles(Image const& image, Extent grid, int tile) {
  int const across = grid.width / tile, down = grid.height / tile;
  Frames tiles{1 + across * down, tile, tile, {}};
  tiles.rgb.resize(std::size_t(tiles.count) * tiles.frame_bytes());
  std::ranges::copy(resize_bicubic(image, tile, tile).rgb, tiles.frame(0).begin());
  Image const stretched = resize_bicubic(image, grid.height, grid.width);
  std::size_t const row = std::size_t(tile) * 3;
  for (int t = 0; t < across * down; ++t) {
    for (int y = 0; y < tile; ++y) {
      std::size_t const from = (std::size_t(t / across * tile + y) * std::size_t(grid.width) +
                                std::size_t(t % across * tile)) *
                               3;
      std::copy_n(stretched.rgb.data() + from, row,
                  tiles.frame(1 + t).data() + std::size_t(y) * row);
    }
  }
  return tiles;
}

}  // namespace vcflash::media
