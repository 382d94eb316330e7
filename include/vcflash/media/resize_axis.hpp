#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace vcflash::media::detail {

/// Fractional bits of a weight: 32 less a pixel's 8 less 2 of headroom, as Pillow computes.
inline constexpr int weight_bits = 22;
inline constexpr std::int32_t half = 1 << (weight_bits - 1);

/// A weight is split into `high * 2^split_bits + low` for vector units that multiply 16 bits; the
/// two sums put together are exact.
inline constexpr int split_bits = 12;

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
  int in, out;
  int stride;                           ///< weights an output, a multiple of 4; the rest are 0
  std::vector<Taps> taps;               ///< [out]
  std::vector<std::int32_t> weights;    ///< [out, stride]
  std::vector<std::int16_t> high, low;  ///< [out, stride]

  AxisWeights(int in_length, int out_length) : in(in_length), out(out_length) {
    double const scale = double(in) / double(out);
    double const filter_scale = std::max(scale, 1.0);  // antialiasing: only when shrinking
    double const support = 2.0 * filter_scale;
    stride = (int(std::ceil(support)) * 2 + 1 + 3) / 4 * 4;
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
    for (std::int32_t const weight : weights) {
      high.push_back(std::int16_t(weight >> split_bits));
      low.push_back(std::int16_t(weight & ((1 << split_bits) - 1)));
    }
  }

  /// Some outputs of `whole`, and of the inputs those that they are made of.
  /// \param begin, end outputs, at least one
  AxisWeights(AxisWeights const& whole, int begin, int end)
      : in(0),
        out(end - begin),
        stride(whole.stride),
        taps(whole.taps.begin() + begin, whole.taps.begin() + end) {
    int const base = taps.front().first;
    for (Taps& tap : taps) {
      tap.first -= base;
      in = std::max(in, tap.first + tap.count);
    }
    auto const copy = [&](auto const& from, auto& to) {
      to.assign(from.begin() + std::ptrdiff_t(whole.at(begin)),
                from.begin() + std::ptrdiff_t(whole.at(end)));
    };
    copy(whole.weights, weights);
    copy(whole.high, high);
    copy(whole.low, low);
  }

  std::size_t at(int i) const { return std::size_t(i) * std::size_t(stride); }
};

/// Rows of `axis.in` pixels to rows of `axis.out` pixels, value by value.
inline void resize_rows(AxisWeights const& axis, std::uint8_t const* in, std::size_t in_stride,
                        int rows, std::uint8_t* out) {
  for (int y = 0; y < rows; ++y, in += in_stride) {
    for (int x = 0; x < axis.out; ++x, out += 3) {
      auto const [first, count] = axis.taps[std::size_t(x)];
      std::int32_t const* const weight = axis.weights.data() + axis.at(x);
      std::uint8_t const* pixel = in + std::ptrdiff_t(first) * 3;
      std::int32_t red = half, green = half, blue = half;
      for (int k = 0; k < count; ++k, pixel += 3) {
        red += pixel[0] * weight[k];
        green += pixel[1] * weight[k];
        blue += pixel[2] * weight[k];
      }
      out[0] = to_pixel(red);
      out[1] = to_pixel(green);
      out[2] = to_pixel(blue);
    }
  }
}

/// `axis.in` rows to `axis.out` rows; bytes from `begin` on.
inline void resize_columns(AxisWeights const& axis, std::uint8_t const* in, std::size_t in_stride,
                           std::size_t begin, std::size_t row_bytes, std::uint8_t* out) {
  std::vector<std::int32_t> sums(row_bytes - begin);
  for (int y = 0; y < axis.out; ++y, out += row_bytes) {
    auto const [first, count] = axis.taps[std::size_t(y)];
    std::fill(sums.begin(), sums.end(), half);
    for (int k = 0; k < count; ++k) {
      std::uint8_t const* const row = in + std::size_t(first + k) * in_stride + begin;
      std::int32_t const weight = axis.weights[axis.at(y) + std::size_t(k)];
      for (std::size_t b = 0; b < sums.size(); ++b) sums[b] += row[b] * weight;
    }
    for (std::size_t b = 0; b < sums.size(); ++b) out[begin + b] = to_pixel(sums[b]);
  }
}

}  // namespace vcflash::media::detail
