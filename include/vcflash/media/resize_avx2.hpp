#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <vector>

#include <vcflash/media/resize_axis.hpp>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

/// The two passes of a resize on AVX2, bit for bit those of resize_axis.hpp. The library is
/// compiled for any machine; whether this one has AVX2 is asked when it runs.
namespace vcflash::media::detail {

#if defined(__x86_64__)

inline bool has_avx2() {
  static bool const has = __builtin_cpu_supports("avx2") != 0;
  return has;
}

/// Two 16-bit weights side by side in every lane.
__attribute__((target("avx2"))) inline __m256i weight_pair(std::int16_t const* weights) {
  std::int32_t pair;
  std::memcpy(&pair, weights, sizeof pair);
  return _mm256_set1_epi32(pair);
}

/// high * 2^split_bits + low, rounded to pixels as 16-bit numbers saturated from 32.
__attribute__((target("avx2"))) inline __m256i rounded(__m256i high, __m256i low) {
  __m256i const sum = _mm256_add_epi32(_mm256_slli_epi32(high, split_bits), low);
  return _mm256_srai_epi32(_mm256_add_epi32(sum, _mm256_set1_epi32(half)), weight_bits);
}

/// One output row of each of two input rows; reads up to 16 bytes past the rows' ends.
__attribute__((target("avx2"))) inline void resize_two_rows_avx2(AxisWeights const& axis,
                                                                 std::uint8_t const* upper,
                                                                 std::uint8_t const* lower,
                                                                 std::uint8_t* out_upper,
                                                                 std::uint8_t* out_lower) {
  // four pixels r g b r g b … to 16-bit pairs r0 r1 g0 g1 b0 b1 and r2 r3 g2 g3 b2 b3
  __m256i const first_two = _mm256_broadcastsi128_si256(
      _mm_setr_epi8(0, -1, 3, -1, 1, -1, 4, -1, 2, -1, 5, -1, -1, -1, -1, -1));
  __m256i const last_two = _mm256_broadcastsi128_si256(
      _mm_setr_epi8(6, -1, 9, -1, 7, -1, 10, -1, 8, -1, 11, -1, -1, -1, -1, -1));
  for (int x = 0; x < axis.out; ++x) {
    auto const [first, count] = axis.taps[std::size_t(x)];
    std::int16_t const* const high_weights = axis.high.data() + axis.at(x);
    std::int16_t const* const low_weights = axis.low.data() + axis.at(x);
    __m256i high = _mm256_setzero_si256(), low = high;
    for (int k = 0; k < count; k += 4) {
      std::ptrdiff_t const at = std::ptrdiff_t(first + k) * 3;
      __m256i const pixels = _mm256_inserti128_si256(
          _mm256_castsi128_si256(_mm_loadu_si128(reinterpret_cast<__m128i const*>(upper + at))),
          _mm_loadu_si128(reinterpret_cast<__m128i const*>(lower + at)), 1);
      __m256i const a = _mm256_shuffle_epi8(pixels, first_two);
      __m256i const b = _mm256_shuffle_epi8(pixels, last_two);
      high = _mm256_add_epi32(high, _mm256_madd_epi16(a, weight_pair(high_weights + k)));
      low = _mm256_add_epi32(low, _mm256_madd_epi16(a, weight_pair(low_weights + k)));
      high = _mm256_add_epi32(high, _mm256_madd_epi16(b, weight_pair(high_weights + k + 2)));
      low = _mm256_add_epi32(low, _mm256_madd_epi16(b, weight_pair(low_weights + k + 2)));
    }
    __m256i const words = _mm256_packs_epi32(rounded(high, low), _mm256_setzero_si256());
    __m256i const bytes = _mm256_packus_epi16(words, _mm256_setzero_si256());
    std::uint32_t const pixel_upper = std::uint32_t(_mm256_extract_epi32(bytes, 0));
    std::uint32_t const pixel_lower = std::uint32_t(_mm256_extract_epi32(bytes, 4));
    std::memcpy(out_upper + std::ptrdiff_t(x) * 3, &pixel_upper, 3);
    std::memcpy(out_lower + std::ptrdiff_t(x) * 3, &pixel_lower, 3);
  }
}

/// `resize_rows` on AVX2.
inline void resize_rows_avx2(AxisWeights const& axis, std::uint8_t const* in, std::size_t in_stride,
                             int rows, std::uint8_t* out) {
  std::size_t const row_bytes = std::size_t(axis.in) * 3, out_bytes = std::size_t(axis.out) * 3;
  if (row_bytes < 16 || rows < 2) return resize_rows(axis, in, in_stride, rows, out);
  // past every row but the last there is at least another row to read into
  std::vector<std::uint8_t> last(row_bytes + 16);
  std::memcpy(last.data(), in + std::size_t(rows - 1) * in_stride, row_bytes);
  for (int y = 0; y < rows; y += 2) {
    int const other = y + 1 < rows ? y + 1 : y;
    auto const row = [&](int i) {
      return i == rows - 1 ? last.data() : in + std::size_t(i) * in_stride;
    };
    resize_two_rows_avx2(axis, row(y), row(other), out + std::size_t(y) * out_bytes,
                         out + std::size_t(other) * out_bytes);
  }
}

/// `resize_columns` on AVX2, for the first `row_bytes / 16 * 16` bytes of a row.
__attribute__((target("avx2"))) inline void resize_blocks_avx2(AxisWeights const& axis,
                                                               std::uint8_t const* in,
                                                               std::size_t in_stride,
                                                               std::size_t row_bytes,
                                                               std::uint8_t* out) {
  for (int y = 0; y < axis.out; ++y, out += row_bytes) {
    auto const [first, count] = axis.taps[std::size_t(y)];
    std::int16_t const* const high_weights = axis.high.data() + axis.at(y);
    std::int16_t const* const low_weights = axis.low.data() + axis.at(y);
    for (std::size_t b = 0; b + 16 <= row_bytes; b += 16) {
      std::uint8_t const* row = in + std::size_t(first) * in_stride + b;
      __m256i high_a = _mm256_setzero_si256(), low_a = high_a, high_b = high_a, low_b = high_a;
      for (int k = 0; k < count; k += 2, row += 2 * in_stride) {
        // a pair's missing second row has weight 0: any row will do
        std::uint8_t const* const next = k + 1 < count ? row + in_stride : row;
        __m128i const one = _mm_loadu_si128(reinterpret_cast<__m128i const*>(row));
        __m128i const two = _mm_loadu_si128(reinterpret_cast<__m128i const*>(next));
        __m256i const a = _mm256_cvtepu8_epi16(_mm_unpacklo_epi8(one, two));
        __m256i const c = _mm256_cvtepu8_epi16(_mm_unpackhi_epi8(one, two));
        __m256i const high = weight_pair(high_weights + k), low = weight_pair(low_weights + k);
        high_a = _mm256_add_epi32(high_a, _mm256_madd_epi16(a, high));
        low_a = _mm256_add_epi32(low_a, _mm256_madd_epi16(a, low));
        high_b = _mm256_add_epi32(high_b, _mm256_madd_epi16(c, high));
        low_b = _mm256_add_epi32(low_b, _mm256_madd_epi16(c, low));
      }
      __m256i const words = _mm256_permute4x64_epi64(
          _mm256_packs_epi32(rounded(high_a, low_a), rounded(high_b, low_b)), 0b11'01'10'00);
      __m128i const bytes =
          _mm_packus_epi16(_mm256_castsi256_si128(words), _mm256_extracti128_si256(words, 1));
      _mm_storeu_si128(reinterpret_cast<__m128i*>(out + b), bytes);
    }
  }
}

/// `resize_columns` on AVX2.
inline void resize_columns_avx2(AxisWeights const& axis, std::uint8_t const* in,
                                std::size_t in_stride, std::size_t row_bytes, std::uint8_t* out) {
  resize_blocks_avx2(axis, in, in_stride, row_bytes, out);
  resize_columns(axis, in, in_stride, row_bytes / 16 * 16, row_bytes, out);
}

#else

inline bool has_avx2() { return false; }
inline void resize_rows_avx2(AxisWeights const& axis, std::uint8_t const* in, std::size_t in_stride,
                             int rows, std::uint8_t* out) {
  resize_rows(axis, in, in_stride, rows, out);
}
inline void resize_columns_avx2(AxisWeights const& axis, std::uint8_t const* in,
                                std::size_t in_stride, std::size_t row_bytes, std::uint8_t* out) {
  resize_columns(axis, in, in_stride, 0, row_bytes, out);
}

#endif

}  // namespace vcflash::media::detail
