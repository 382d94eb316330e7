#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include <vcflash/media/frames.hpp>
#include <vcflash/media/resize_avx2.hpp>
#include <vcflash/media/resize_axis.hpp>
#include <vcflash/meta/error.hpp>

namespace vcflash::media {

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

  /// \param in rows of in_width * 3 bytes, `in_stride` bytes apart
  /// \param out [out_height, out_width, 3]
  void operator()(std::uint8_t const* in, std::size_t in_stride, std::uint8_t* out) {
    bool const fast = detail::has_avx2();
    std::size_t const row_bytes = std::size_t(out_width()) * 3;
    if (horizontal_.in != horizontal_.out) {
      narrowed_.resize(std::size_t(vertical_.in) * row_bytes);
      auto* const resize_rows = fast ? detail::resize_rows_avx2 : detail::resize_rows;
      resize_rows(horizontal_, in, in_stride, vertical_.in, narrowed_.data());
      in = narrowed_.data();
      in_stride = row_bytes;
    }
    if (vertical_.in == vertical_.out) {
      for (int y = 0; y < out_height(); ++y) {
        std::copy_n(in + std::size_t(y) * in_stride, row_bytes, out + std::size_t(y) * row_bytes);
      }
    } else if (fast) {
      detail::resize_columns_avx2(vertical_, in, in_stride, row_bytes, out);
    } else {
      detail::resize_columns(vertical_, in, in_stride, 0, row_bytes, out);
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

  detail::AxisWeights horizontal_, vertical_;
  std::vector<std::uint8_t> narrowed_;  ///< [in_height, out_width, 3]
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
