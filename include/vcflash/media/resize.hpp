#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <tuple>
#include <utility>
#include <vector>

#include <vcflash/base/error.hpp>
#include <vcflash/media/frames.hpp>
#include <vcflash/media/resize_avx2.hpp>
#include <vcflash/media/resize_axis.hpp>

namespace vcflash::media {

namespace detail {

/// `resize_rows` by the fastest means of this machine.
inline void resize_all_rows(AxisWeights const& axis, std::uint8_t const* in, std::size_t in_stride,
                            int rows, std::uint8_t* out) {
  auto* const resize = has_avx2() ? resize_rows_avx2 : resize_rows;
  resize(axis, in, in_stride, rows, out);
}

/// `resize_columns` of whole rows by the fastest means of this machine.
inline void resize_all_columns(AxisWeights const& axis, std::uint8_t const* in,
                               std::size_t in_stride, std::size_t row_bytes, std::uint8_t* out) {
  if (has_avx2()) return resize_columns_avx2(axis, in, in_stride, row_bytes, out);
  resize_columns(axis, in, in_stride, 0, row_bytes, out);
}

}  // namespace detail

/// Resizes pictures of one size to another as Pillow's `resize(..., BICUBIC)` does, bit for bit:
/// antialiased when shrinking, 8-bit fixed point, rows first and columns second, rounded in
/// between. Holds the weights, so that a clip's frames share them.
/// \throws Error if a length is not positive
class BicubicResizer {
 public:
  BicubicResizer(int in_height, int in_width, int out_height, int out_width)
      : BicubicResizer(Checked{}, check(in_height), check(in_width), check(out_height),
                       check(out_width)) {}

  int out_height() const { return vertical_.out; }
  int out_width() const { return horizontal_.out; }
  detail::AxisWeights const& horizontal() const { return horizontal_; }

  /// \param in rows of in_width * 3 bytes, `in_stride` bytes apart
  /// \param out [out_height, out_width, 3]
  void operator()(std::uint8_t const* in, std::size_t in_stride, std::uint8_t* out) {
    if (horizontal_.in != horizontal_.out) {
      resize_narrowed(
          [&](int first, int rows, std::uint8_t* narrowed) {
            detail::resize_all_rows(horizontal_, in + std::size_t(first) * in_stride, in_stride,
                                    rows, narrowed);
          },
          out);
    } else if (vertical_.in != vertical_.out) {
      detail::resize_all_columns(vertical_, in, in_stride, row_bytes(), out);
    } else {
      for (int y = 0; y < out_height(); ++y) {
        std::copy_n(in + std::size_t(y) * in_stride, row_bytes(),
                    out + std::size_t(y) * row_bytes());
      }
    }
  }

  /// Resizes the columns of rows that have their final width already.
  /// \param narrow (first, rows, out): puts so many input rows into `out`, [rows, out_width, 3]; it
  ///   is asked for all, in order
  /// \param out [out_height, out_width, 3]
  template <class Narrow>
  void resize_narrowed(Narrow&& narrow, std::uint8_t* out) {
    if (vertical_.in == vertical_.out) return narrow(0, vertical_.in, out);
    // in strips of output rows, so that of a very high picture few rows are held at a time
    int const most_rows = std::max(1, int(strip_bytes / row_bytes()));
    int held_first = 0, held_end = 0;
    for (int y = 0, next = 0; y < out_height(); y = next) {
      int const first = vertical_.taps[std::size_t(y)].first;
      int end = 0;
      for (next = y; next < out_height(); ++next) {
        auto const [from, count] = vertical_.taps[std::size_t(next)];
        if (next > y && from + count - first > most_rows) break;
        end = std::max(end, from + count);
      }
      int const kept = std::max(0, held_end - first);
      if (kept > 0) {
        std::copy_n(narrowed_.begin() + std::ptrdiff_t(row_bytes()) * (first - held_first),
                    std::ptrdiff_t(row_bytes()) * kept, narrowed_.begin());
      }
      narrowed_.resize(row_bytes() * std::size_t(end - first));
      narrow(first + kept, end - first - kept, narrowed_.data() + row_bytes() * std::size_t(kept));
      std::tie(held_first, held_end) = std::pair(first, end);
      bool const whole = y == 0 && next == out_height();
      detail::resize_all_columns(whole ? vertical_ : detail::AxisWeights(vertical_, y, next),
                                 narrowed_.data(), row_bytes(), row_bytes(),
                                 out + std::size_t(y) * row_bytes());
    }
  }

 private:
  struct Checked {};
  BicubicResizer(Checked, int in_height, int in_width, int out_height, int out_width)
      : horizontal_(in_width, out_width), vertical_(in_height, out_height) {}

  static int check(int length) {
    if (length <= 0) fail<Error>("a picture of ", length, " pixels a side cannot be resized");
    return length;
  }

  static constexpr std::size_t strip_bytes = std::size_t{8} << 20;
  std::size_t row_bytes() const { return std::size_t(out_width()) * 3; }

  detail::AxisWeights horizontal_, vertical_;
  std::vector<std::uint8_t> narrowed_;  ///< [some rows, out_width, 3]
};

/// One picture through a `BicubicResizer`.
inline Image resize_bicubic(Image const& image, int height, int width) {
  Image resized{height, width, {}};
  BicubicResizer resizer(image.height, image.width, height, width);
  resized.rgb.resize(std::size_t(height) * std::size_t(width) * 3);
  resizer(image.rgb.data(), std::size_t(image.width) * 3, resized.rgb.data());
  return resized;
}

/// Every frame of a clip to height x width.
inline Frames resize_bicubic(Frames const& frames, int height, int width) {
  Frames resized{frames.count, height, width, {}};
  if (frames.count == 0) return resized;
  BicubicResizer resizer(frames.height, frames.width, height, width);
  resized.rgb.resize(std::size_t(frames.count) * resized.frame_bytes());
  for (int i = 0; i < frames.count; ++i) {
    resizer(frames.frame(i).data(), std::size_t(frames.width) * 3, resized.frame(i).data());
  }
  return resized;
}

}  // namespace vcflash::media
