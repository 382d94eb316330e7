#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include <vcflash/media/frames.hpp>
#include <vcflash/meta/error.hpp>

namespace vcflash::media {

namespace detail {

/// Fractional bits of a weight: 32 less a pixel's 8 less 2 of headroom, as Pillow computes.
inline constexpr int weight_bits = 22;

/// Keys's cubic (1981) with a = -1/2, support [-2, 2].
inline double cubic(double x) {
  constexpr double a = -0.5;
  x = std::abs(x);
  if (x < 1.0) return ((a + 2.0) * x - (a + 3.0)) * x * x + 1.0;
  if (x < 2.0) return (((x - 5.0) * x + 8.0) * x - 4.0) * a;
  return 0.0;
}

inline std::uint8_t to_pixel(std::int32_t sum) {
  return static_cast<std::uint8_t>(std::clamp(sum >> weight_bits, 0, 255));
}

/// The fixed-point weights of one axis: output `i` is the weighted sum of the `taps[i].count`
/// inputs from `taps[i].first` on. They depend on the two lengths only.
struct AxisWeights {
  struct Taps {
    int first, count;
  };
  int in, out, stride;
  std::vector<Taps> taps;             ///< [out]
  std::vector<std::int32_t> weights;  ///< [out, stride]

  AxisWeights(int in_length, int out_length) : in(in_length), out(out_length) {
    double const scale = double(in) / double(out);
    double const filter_scale = std::max(scale, 1.0);  // antialiasing: only when shrinking
    double const support = 2.0 * filter_scale;
    stride = int(std::ceil(support)) * 2 + 1;
    taps.resize(std::size_t(out));
    weights.assign(std::size_t(out) * std::size_t(stride), 0);
    std::vector<double> exact(static_cast<std::size_t>(stride));
    for (int i = 0; i < out; ++i) {
      double const centre = (i + 0.5) * scale;
      int const first = std::max(0, int(centre - support + 0.5));
      int const count = std::min(in, int(centre + support + 0.5)) - first;
      double total = 0.0;
      for (int k = 0; k < count; ++k) {
        exact[std::size_t(k)] = cubic((k + first - centre + 0.5) * (1.0 / filter_scale));
        total += exact[std::size_t(k)];
      }
      for (int k = 0; k < count; ++k) {
        double const share = exact[std::size_t(k)] / total;
        weights[std::size_t(i) * std::size_t(stride) + std::size_t(k)] =
            std::int32_t((share < 0 ? -0.5 : 0.5) + share * double(1 << weight_bits));
      }
      taps[std::size_t(i)] = {first, count};
    }
  }

  std::int32_t const* of(int i) const {
    return weights.data() + std::size_t(i) * std::size_t(stride);
  }
};

/// A row of pixels to a row of `axis.out` pixels.
inline void resize_row(AxisWeights const& axis, std::uint8_t const* in, std::uint8_t* out) {
  for (int x = 0; x < axis.out; ++x) {
    auto const [first, count] = axis.taps[std::size_t(x)];
    std::int32_t const* const weight = axis.of(x);
    std::uint8_t const* pixel = in + std::ptrdiff_t(first) * 3;
    std::int32_t red = 1 << (weight_bits - 1), green = red, blue = red;
    for (int k = 0; k < count; ++k, pixel += 3) {
      red += pixel[0] * weight[k];
      green += pixel[1] * weight[k];
      blue += pixel[2] * weight[k];
    }
    out[x * 3] = to_pixel(red);
    out[x * 3 + 1] = to_pixel(green);
    out[x * 3 + 2] = to_pixel(blue);
  }
}

/// Rows of `bytes` bytes to one row: the sum over rows is one vectorisable loop a tap.
inline void resize_column(std::span<std::int32_t const> weights, std::uint8_t const* rows,
                          std::size_t row_stride, std::span<std::int32_t> sums, std::uint8_t* out) {
  std::size_t const bytes = sums.size();
  std::int32_t* const sum = sums.data();
  std::fill(sums.begin(), sums.end(), 1 << (weight_bits - 1));
  for (std::size_t k = 0; k < weights.size(); ++k) {
    std::uint8_t const* const row = rows + k * row_stride;
    std::int32_t const weight = weights[k];
    for (std::size_t b = 0; b < bytes; ++b) sum[b] += row[b] * weight;
  }
  for (std::size_t b = 0; b < bytes; ++b) out[b] = to_pixel(sum[b]);
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

  /// \param in rows of in_width * 3 bytes, `in_stride` bytes apart
  /// \param out [out_height, out_width, 3]
  void operator()(std::uint8_t const* in, std::size_t in_stride, std::uint8_t* out) {
    std::size_t const row_bytes = std::size_t(out_width()) * 3;
    std::uint8_t const* rows = in;
    std::size_t stride = in_stride;
    if (horizontal_.in != horizontal_.out) {
      narrowed_.resize(std::size_t(vertical_.in) * row_bytes);
      for (int y = 0; y < vertical_.in; ++y) {
        detail::resize_row(horizontal_, in + std::size_t(y) * in_stride,
                           narrowed_.data() + std::size_t(y) * row_bytes);
      }
      rows = narrowed_.data();
      stride = row_bytes;
    }
    if (vertical_.in == vertical_.out) {
      for (int y = 0; y < out_height(); ++y) {
        std::copy_n(rows + std::size_t(y) * stride, row_bytes, out + std::size_t(y) * row_bytes);
      }
      return;
    }
    sums_.resize(row_bytes);
    for (int y = 0; y < out_height(); ++y) {
      auto const [first, count] = vertical_.taps[std::size_t(y)];
      detail::resize_column({vertical_.of(y), std::size_t(count)},
                            rows + std::size_t(first) * stride, stride, sums_,
                            out + std::size_t(y) * row_bytes);
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
  std::vector<std::int32_t> sums_;      ///< one row
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
