#pragma once

#include <vcflash/kernels/cpu/vectors.hpp>

#include <algorithm>
#include <cstdint>
#include <cstring>

#ifdef __x86_64__
#include <immintrin.h>

/// Products of small matrices of bf16 whose neighbours the processor multiplies and adds up in
/// pairs (AVX512-BF16), sums in fp32. The left matrix lies in memory row by row; the right one is
/// laid out so that the two rows of a pair stand beside each other, column by column.
namespace vcflash::kernels::cpu {

using Bf16 = c10::BFloat16;

/// A tensor [batch, heads, tokens, channels] whose channels stand side by side.
struct Heads {
  Bf16 const* data;
  std::int64_t batch_step, head_step, token_step;

  explicit Heads(Tensor const& t)
      : data(t.const_data_ptr<Bf16>()),
        batch_step(t.stride(0)),
        head_step(t.stride(1)),
        token_step(t.stride(2)) {}

  Bf16 const* at(std::int64_t batch, std::int64_t head, std::int64_t token) const {
    return data + batch * batch_step + head * head_step + token * token_step;
  }
};

constexpr std::int64_t strip = 64;  ///< columns that are multiplied side by side

/// How many it takes to hold `count`.
constexpr std::int64_t units(std::int64_t count, std::int64_t unit) {
  return (count + unit - 1) / unit;
}

constexpr std::int64_t rounded_up(std::int64_t count, std::int64_t unit) {
  return units(count, unit) * unit;
}

/// The first `count` of 16 lanes.
constexpr __mmask16 first_lanes(std::int64_t count) {
  return static_cast<__mmask16>((1U << std::clamp<std::int64_t>(count, 0, lanes)) - 1);
}

/// Turns 16 rows of 16 into columns. As cards are shuffled, each round deals the rows' two halves
/// out in turn, which moves a place's leading binary digit to its end; four rounds swap row and
/// column.
VCFLASH_AVX512_BF16 inline void transpose(FloatBits (&rows)[lanes]) {
#pragma GCC unroll 4
  for (int round = 0; round < 4; ++round) {
    FloatBits dealt[lanes];
#pragma GCC unroll 8
    for (int i = 0; i < lanes / 2; ++i) {
      auto const &one = rows[i], &other = rows[i + lanes / 2];
      dealt[2 * i] = __builtin_shufflevector(one, other, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21,
                                             6, 22, 7, 23);
      dealt[2 * i + 1] = __builtin_shufflevector(one, other, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28,
                                                 13, 29, 14, 30, 15, 31);
    }
    std::copy_n(dealt, lanes, rows);
  }
}

constexpr std::int64_t rows_ahead = 32;  ///< that are fetched while others are laid out

/// Lays rows out as columns: [strips, channels / 2, 64, 2], zeros behind the last.
/// \param row gives row i
template <class Row>
VCFLASH_AVX512_BF16 void lay_out_columns(Bf16* to, Row const& row, std::int64_t count,
                                         std::int64_t channels) {
  for (std::int64_t i = 0; i < rounded_up(count, strip); i += lanes) {
    Bf16* place = to + i / strip * strip * channels + i % strip * 2;
    for (std::int64_t c = 0; c < channels; c += 2 * lanes) {
      FloatBits pairs[lanes];
#pragma GCC unroll 16
      for (std::int64_t r = 0; r < lanes; ++r) {
        __builtin_prefetch(row(i + r + rows_ahead) + c);
        pairs[r] = i + r < count ? (FloatBits)_mm512_maskz_loadu_epi32(
                                       first_lanes((channels - c) / 2), row(i + r) + c)
                                 : FloatBits{};
      }
      transpose(pairs);
      for (std::int64_t p = 0; p < std::min(lanes, (channels - c) / 2); ++p, place += 2 * strip) {
        std::memcpy(place, &pairs[p], sizeof pairs[p]);
      }
    }
  }
}

/// The first 16 of a row's `count` numbers or all, zeros behind them.
VCFLASH_AVX512_BF16 inline FloatBits load_wide(Bf16 const* row, std::int64_t count) {
  auto const narrow = (Bf16Bits)_mm256_maskz_loadu_epi16(first_lanes(count), row);
  return __builtin_convertvector(narrow, FloatBits);
}

/// Puts two rows' numbers beside each other, [count rounded up to 16, 2], zeros behind the last.
/// \param other null: zeros
VCFLASH_AVX512_BF16 inline void interleave(Bf16* to, Bf16 const* one, Bf16 const* other,
                                           std::int64_t count) {
  for (std::int64_t c = 0; c < count; c += lanes) {
    FloatBits both = load_wide(one + c, count - c);
    if (other != nullptr) both |= load_wide(other + c, count - c) << 16;
    std::memcpy(to + 2 * c, &both, sizeof both);
  }
}

/// Lays rows out as rows: [count / 2, width, 2], zeros behind the last of a strip and behind the
/// last channel.  \param width channels, rounded up to 16
template <class Row>
void lay_out_rows(Bf16* to, Row const& row, std::int64_t count, std::int64_t channels,
                  std::int64_t width) {
  constexpr std::int64_t line = 32;  // numbers
  for (std::int64_t i = 0; i < count; i += 2) {
    for (std::int64_t c = 0; c < channels; c += line) {
      __builtin_prefetch(row(i + rows_ahead) + c);
      __builtin_prefetch(row(i + rows_ahead + 1) + c);
    }
    interleave(to + i * width, row(i), i + 1 < count ? row(i + 1) : nullptr, channels);
  }
  std::int64_t const laid = rounded_up(count, 2);
  std::fill_n(to + laid * width, (rounded_up(count, strip) - laid) * width, Bf16(0.0F));
}

/// to[r] = left[r] times `pairs` pairs of rows of `right`, 16 columns a vector; or is added to.
/// \param step from one pair of `right` to the next
template <int Rows, int Vectors, bool Adds>
VCFLASH_AVX512_BF16 inline void multiply_block(Bf16 const* const* left, Bf16 const* right,
                                               std::int64_t step, std::int64_t pairs, float* to,
                                               std::int64_t to_step) {
  __m512 sums[Rows][Vectors] = {};
  if constexpr (Adds) {
#pragma GCC unroll 6
    for (int r = 0; r < Rows; ++r) {
#pragma GCC unroll 4
      for (int v = 0; v < Vectors; ++v) {
        sums[r][v] = _mm512_loadu_ps(to + r * to_step + v * lanes);
      }
    }
  }
  for (std::int64_t pair = 0; pair < pairs; ++pair, right += step) {
    __m512bh some[Vectors];
#pragma GCC unroll 4
    for (int v = 0; v < Vectors; ++v) std::memcpy(&some[v], right + v * 2 * lanes, 64);
#pragma GCC unroll 6
    for (int r = 0; r < Rows; ++r) {
      int both;
      std::memcpy(&both, left[r] + 2 * pair, sizeof both);
      auto const spread = (__m512bh)_mm512_set1_epi32(both);
#pragma GCC unroll 4
      for (int v = 0; v < Vectors; ++v) sums[r][v] = _mm512_dpbf16_ps(sums[r][v], some[v], spread);
    }
  }
#pragma GCC unroll 6
  for (int r = 0; r < Rows; ++r) {
#pragma GCC unroll 4
    for (int v = 0; v < Vectors; ++v) {
      _mm512_storeu_ps(to + r * to_step + v * lanes, sums[r][v]);
    }
  }
}

constexpr std::int64_t tile = 6;  ///< rows whose sums of a strip fill the registers

/// The same for any number of rows and vectors.  \param left gives row r of the left matrix
template <bool Adds, class Left>
void multiply(Left const& left, Bf16 const* right, std::int64_t step, std::int64_t pairs, float* to,
              std::int64_t to_step, std::int64_t rows, std::int64_t vectors) {
  auto const some_rows = [&]<int Rows>(std::int64_t first) {
    Bf16 const* some[Rows];
    for (int r = 0; r < Rows; ++r) some[r] = left(first + r);
    auto const some_vectors = [&]<int Vectors>(std::int64_t v) {
      multiply_block<Rows, Vectors, Adds>(some, right + v * 2 * lanes, step, pairs,
                                          to + first * to_step + v * lanes, to_step);
    };
    std::int64_t v = 0;
    for (; v + 4 <= vectors; v += 4) some_vectors.template operator()<4>(v);
    for (; v + 2 <= vectors; v += 2) some_vectors.template operator()<2>(v);
    if (v < vectors) some_vectors.template operator()<1>(v);
  };
  std::int64_t r = 0;
  for (; r + tile <= rows; r += tile) some_rows.template operator()<int(tile)>(r);
  for (; r + 2 <= rows; r += 2) some_rows.template operator()<2>(r);
  if (r < rows) some_rows.template operator()<1>(r);
}

/// Rounds to bf16.
VCFLASH_AVX512_BF16 inline void store_rounded(Bf16* to, Floats floats) {
  auto const narrow = _mm512_cvtneps_pbh((__m512)floats);
  std::memcpy(to, &narrow, sizeof narrow);
}

}  // namespace vcflash::kernels::cpu

#endif
