#pragma once

#include <vcflash/kernels/cpu.hpp>

#include <algorithm>
#include <cstdint>
#include <cstring>

#ifdef __x86_64__
#include <immintrin.h>

/// Products of small matrices of bf16 whose neighbours the processor multiplies and adds up in
/// pairs (AVX512-BF16), sums in fp32. The left matrix lies in memory row by row; the right one is
/// laid out so that the two rows of a pair stand beside each other, column by column.
namespace vcflash::kernels::cpu {

using Half = c10::BFloat16;

#define VCFLASH_AVX512_BF16 [[gnu::target("avx512f,avx512bw,avx512dq,avx512vl,avx512bf16,fma")]]

/// Whether the processor has what is here, and LibTorch nothing better.
inline bool has_fast_pairs() {
  static bool const has = has_avx512() && __builtin_cpu_supports("avx512bf16") && !has_amx();
  return has;
}

/// A tensor [batch, heads, tokens, channels] whose channels stand side by side.
struct Heads {
  Half const* data;
  std::int64_t batch_step, head_step, token_step;

  explicit Heads(Tensor const& t)
      : data(t.const_data_ptr<Half>()),
        batch_step(t.stride(0)),
        head_step(t.stride(1)),
        token_step(t.stride(2)) {}

  Half const* at(std::int64_t batch, std::int64_t head, std::int64_t token) const {
    return data + batch * batch_step + head * head_step + token * token_step;
  }
};

constexpr std::int64_t strip = 64;  ///< columns that are multiplied side by side

constexpr std::int64_t rounded_up(std::int64_t count, std::int64_t unit) {
  return (count + unit - 1) / unit * unit;
}

/// Lays rows out as columns: [strips, channels / 2, 64, 2], zeros behind the last.
/// \param row gives row i
template <class Row>
void lay_out_columns(Half* to, Row const& row, std::int64_t count, std::int64_t channels) {
  for (std::int64_t i = 0; i < rounded_up(count, strip); ++i) {
    Half const* const from = i < count ? row(i) : nullptr;
    Half* place = to + i / strip * strip * channels + i % strip * 2;
    for (std::int64_t c = 0; c < channels; c += 2, place += 2 * strip) {
      std::uint32_t pair = 0;
      if (from != nullptr) std::memcpy(&pair, from + c, sizeof pair);
      std::memcpy(place, &pair, sizeof pair);
    }
  }
}

/// Lays rows out as rows: [count / 2, width, 2], zeros behind the last of a strip and behind the
/// last channel.
template <class Row>
void lay_out_rows(Half* to, Row const& row, std::int64_t count, std::int64_t channels,
                  std::int64_t width) {
  std::fill_n(to, rounded_up(count, strip) * width, Half(0.0F));
  for (std::int64_t i = 0; i < count; ++i) {
    Half const* const from = row(i);
    Half* const place = to + i / 2 * 2 * width + i % 2;
    for (std::int64_t c = 0; c < channels; ++c) place[2 * c] = from[c];
  }
}

/// to[r] = left[r] times `pairs` pairs of rows of `right`, 16 columns a vector; or is added to.
/// \param step from one pair of `right` to the next
template <int Rows, int Vectors, bool Adds>
VCFLASH_AVX512_BF16 inline void multiply_block(Half const* const* left, Half const* right,
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
void multiply(Left const& left, Half const* right, std::int64_t step, std::int64_t pairs, float* to,
              std::int64_t to_step, std::int64_t rows, std::int64_t vectors) {
  auto const some_rows = [&]<int Rows>(std::int64_t first) {
    Half const* some[Rows];
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
VCFLASH_AVX512_BF16 inline void narrow(Half* to, Floats floats) {
  auto const halves = _mm512_cvtneps_pbh((__m512)floats);
  std::memcpy(to, &halves, sizeof halves);
}

}  // namespace vcflash::kernels::cpu

#endif
