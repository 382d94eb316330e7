#pragma once

#include <vcflash/kernels/cpu.hpp>
#include <vcflash/kernels/flash_attention.hpp>

#include <algorithm>
#include <cmath>
#include <limits>

#ifdef __x86_64__
#include <immintrin.h>
#endif

namespace vcflash::kernels {

#ifdef __x86_64__

namespace detail {

#define VCFLASH_AVX512_BF16 [[gnu::target("avx512f,avx512bw,avx512dq,avx512vl,avx512bf16,fma")]]

/// Everything here is in pairs of bf16, which the processor multiplies and adds up at once.
struct FlashAttention {
  using Half = c10::BFloat16;
  struct Operand {
    Half const* data;
    std::int64_t batch, head, token;  ///< strides

    Half const* at(std::int64_t b, std::int64_t h, std::int64_t t) const {
      return data + b * batch + h * head + t * token;
    }
  };

  static constexpr std::int64_t tile = 6;         ///< rows whose sums fill the registers
  static constexpr std::int64_t strip = 64;       ///< keys that are multiplied side by side
  static constexpr std::int64_t block = 512;      ///< keys that are laid out at a time
  static constexpr std::int64_t most_rows = 384;  ///< for which they are laid out

  Operand query, key, value;
  Half* out;  ///< [batch, queries, heads, head_dim]
  std::int64_t kv_heads, group, queries, keys, head_dim;
  bool causal;

  std::int64_t queries_of_task() const { return std::max<std::int64_t>(1, most_rows / group); }
  std::int64_t tasks_of_head() const {
    return (queries + queries_of_task() - 1) / queries_of_task();
  }
  static std::int64_t up_to_strips(std::int64_t count) {
    return (count + strip - 1) / strip * strip;
  }
  std::int64_t width() const { return (head_dim + cpu::lanes - 1) / cpu::lanes * cpu::lanes; }

  /// What a thread needs for a task.
  struct Scratch {
    Tensor keys, values, scores, weights, mixed, most, sum;

    explicit Scratch(FlashAttention const& a) {
      auto const rows = a.queries_of_task() * a.group;
      keys = at::empty({block * a.head_dim}, at::kBFloat16);
      values = at::empty({block * a.width()}, at::kBFloat16);
      scores = at::empty({tile * block}, at::kFloat);
      weights = at::empty({tile * block}, at::kBFloat16);
      mixed = at::empty({rows * a.width()}, at::kFloat);
      most = at::empty({rows}, at::kFloat);
      sum = at::empty({rows}, at::kFloat);
    }
  };

  /// [strips, head_dim / 2, 64, 2], zeros behind the last key.
  void lay_out_keys(Half* to, std::int64_t b, std::int64_t h, std::int64_t first,
                    std::int64_t count) const {
    for (std::int64_t k = 0; k < up_to_strips(count); ++k) {
      auto const* const from = k < count ? key.at(b, h, first + k) : nullptr;
      Half* place = to + k / strip * strip * head_dim + k % strip * 2;
      for (std::int64_t d = 0; d < head_dim; d += 2, place += 2 * strip) {
        std::uint32_t pair = 0;
        if (from != nullptr) std::memcpy(&pair, from + d, sizeof pair);
        std::memcpy(place, &pair, sizeof pair);
      }
    }
  }

  /// [keys / 2, width, 2], zeros behind the last key and the last channel.
  void lay_out_values(Half* to, std::int64_t b, std::int64_t h, std::int64_t first,
                      std::int64_t count) const {
    std::fill_n(to, up_to_strips(count) * width(), Half(0.0F));
    for (std::int64_t k = 0; k < count; ++k) {
      auto const* const from = value.at(b, h, first + k);
      Half* const place = to + k / 2 * 2 * width() + k % 2;
      for (std::int64_t d = 0; d < head_dim; ++d) place[2 * d] = from[d];
    }
  }

  VCFLASH_AVX512_BF16 static __m512bh load(Half const* from) {
    __m512bh pairs;
    std::memcpy(&pairs, from, sizeof pairs);
    return pairs;
  }

  VCFLASH_AVX512_BF16 static __m512bh spread(Half const* from) {
    int pair;
    std::memcpy(&pair, from, sizeof pair);
    return (__m512bh)_mm512_set1_epi32(pair);
  }

  /// to[r] = left[r] times `pairs` rows of `right`, 16 numbers a vector; or is added to.
  /// \param left a row for each r  \param step from one row of `right` to the next
  template <int Rows, int Vectors, bool Adds>
  VCFLASH_AVX512_BF16 static void multiply(Half const* const* left, Half const* right,
                                           std::int64_t step, std::int64_t pairs, float* to,
                                           std::int64_t to_step) {
    __m512 sums[Rows][Vectors] = {};
    if constexpr (Adds) {
#pragma GCC unroll 6
      for (int r = 0; r < Rows; ++r) {
#pragma GCC unroll 4
        for (int v = 0; v < Vectors; ++v) {
          sums[r][v] = _mm512_loadu_ps(to + r * to_step + v * cpu::lanes);
        }
      }
    }
    for (std::int64_t pair = 0; pair < pairs; ++pair, right += step) {
      __m512bh some[Vectors];
#pragma GCC unroll 4
      for (int v = 0; v < Vectors; ++v) some[v] = load(right + v * 2 * cpu::lanes);
#pragma GCC unroll 6
      for (int r = 0; r < Rows; ++r) {
        __m512bh const one = spread(left[r] + 2 * pair);
#pragma GCC unroll 4
        for (int v = 0; v < Vectors; ++v) {
          sums[r][v] = _mm512_dpbf16_ps(sums[r][v], some[v], one);
        }
      }
    }
#pragma GCC unroll 6
    for (int r = 0; r < Rows; ++r) {
#pragma GCC unroll 4
      for (int v = 0; v < Vectors; ++v) {
        _mm512_storeu_ps(to + r * to_step + v * cpu::lanes, sums[r][v]);
      }
    }
  }

  /// A row's scores become weights of a softmax whose sum and greatest score go on with it.
  VCFLASH_AVX512_BF16 void soften(float const* scores, std::int64_t count, Half* weights,
                                  float& most, float& sum, float* mixed) const {
    float const scale = 1 / std::sqrt(static_cast<float>(head_dim));
    cpu::Floats greatest = cpu::load(scores);
    for (std::int64_t k = cpu::lanes; k < count; k += cpu::lanes) {
      cpu::Floats const some = cpu::load(scores + k);
      greatest = some > greatest ? some : greatest;
    }
    float const now = std::max(most, scale * cpu::greatest_of(greatest));
    cpu::Floats sums = {};
    for (std::int64_t k = 0; k < count; k += cpu::lanes) {
      cpu::Floats const some = cpu::exp(cpu::load(scores + k) * scale - now);
      sums += some;
      auto const halves = _mm512_cvtneps_pbh((__m512)some);
      std::memcpy(weights + k, &halves, sizeof halves);
    }
    float const shrunk = std::exp(most - now);
    sum = sum * shrunk + cpu::sum_of(sums);
    if (now > most) {
      for (std::int64_t d = 0; d < width(); d += cpu::lanes) {
        _mm512_storeu_ps(mixed + d, (__m512)(cpu::load(mixed + d) * shrunk));
      }
    }
    most = now;
  }

  /// Keys of a block that a query sees.
  std::int64_t seen(std::int64_t q, std::int64_t first, std::int64_t count) const {
    if (!causal) return count;
    return std::clamp<std::int64_t>(keys - queries + q + 1 - first, 0, count);
  }

  /// Some rows over a block of keys.
  template <int Rows>
  void pass(Scratch const& scratch, std::int64_t b, std::int64_t h, std::int64_t first_query,
            std::int64_t row, std::int64_t first, std::int64_t count) const {
    auto* const scores = scratch.scores.mutable_data_ptr<float>();
    auto* const weights = scratch.weights.mutable_data_ptr<Half>();
    auto* const mixed = scratch.mixed.mutable_data_ptr<float>() + row * width();
    Half const *rows[Rows], *softened[Rows];
    std::int64_t in_sight[Rows];
    for (int r = 0; r < Rows; ++r) {
      std::int64_t const q = first_query + (row + r) / group;
      rows[r] = query.at(b, h * group + (row + r) % group, q);
      softened[r] = weights + r * block;
      in_sight[r] = seen(q, first, count);
    }
    std::int64_t const strips = (in_sight[Rows - 1] + strip - 1) / strip;
    if (strips == 0) return;
    auto const* const laid_keys = scratch.keys.const_data_ptr<Half>();
    for (std::int64_t s = 0; s < strips; ++s) {
      multiply<Rows, 4, false>(rows, laid_keys + s * strip * head_dim, 2 * strip, head_dim / 2,
                               scores + s * strip, block);
    }
    for (int r = 0; r < Rows; ++r) {
      std::fill(scores + r * block + in_sight[r], scores + r * block + strips * strip,
                -std::numeric_limits<float>::infinity());
      soften(scores + r * block, strips * strip, weights + r * block,
             scratch.most.mutable_data_ptr<float>()[row + r],
             scratch.sum.mutable_data_ptr<float>()[row + r], mixed + r * width());
    }
    auto const* const laid_values = scratch.values.const_data_ptr<Half>();
    std::int64_t const pairs = strips * strip / 2;
    for (std::int64_t d = 0; d < width();) {
      auto const some = [&]<int Vectors>() {
        multiply<Rows, Vectors, true>(softened, laid_values + 2 * d, 2 * width(), pairs, mixed + d,
                                      width());
        d += Vectors * cpu::lanes;
      };
      std::int64_t const left = (width() - d) / cpu::lanes;
      if (left >= 4) {
        some.template operator()<4>();
      } else if (left >= 2) {
        some.template operator()<2>();
      } else {
        some.template operator()<1>();
      }
    }
  }

  /// Some queries of the heads that share keys and values.
  void run(Scratch const& scratch, std::int64_t task) const {
    std::int64_t const b = task / tasks_of_head() / kv_heads, h = task / tasks_of_head() % kv_heads;
    std::int64_t const first_query = task % tasks_of_head() * queries_of_task();
    std::int64_t const last_query = std::min(queries, first_query + queries_of_task());
    std::int64_t const rows = (last_query - first_query) * group;
    scratch.mixed.zero_();
    scratch.sum.zero_();
    scratch.most.fill_(-std::numeric_limits<float>::infinity());
    for (std::int64_t first = 0; first < keys; first += block) {
      std::int64_t const count = seen(last_query - 1, first, std::min(block, keys - first));
      if (count == 0) break;
      lay_out_keys(scratch.keys.mutable_data_ptr<Half>(), b, h, first, count);
      lay_out_values(scratch.values.mutable_data_ptr<Half>(), b, h, first, count);
      std::int64_t row = 0;
      for (; row + tile <= rows; row += tile) {
        pass<tile>(scratch, b, h, first_query, row, first, count);
      }
      for (; row < rows; ++row) pass<1>(scratch, b, h, first_query, row, first, count);
    }
    auto const* const mixed = scratch.mixed.const_data_ptr<float>();
    auto const* const sum = scratch.sum.const_data_ptr<float>();
    for (std::int64_t row = 0; row < rows; ++row) {
      std::int64_t const place =
          (b * queries + first_query + row / group) * kv_heads * group + h * group + row % group;
      for (std::int64_t d = 0; d < head_dim; ++d) {
        out[place * head_dim + d] = mixed[row * width() + d] / sum[row];
      }
    }
  }
};

}  // namespace detail

VCFLASH_INLINE bool takes_flash_attention(Tensor const& query, Tensor const& key,
                                          Tensor const& value) {
  static bool const fast =
      cpu::has_avx512() && __builtin_cpu_supports("avx512bf16") && !cpu::has_amx();
  auto const fits = [](Tensor const& tensor) {
    return cpu::is_plain_bf16(tensor) && tensor.stride(-1) == 1;
  };
  return fast && fits(query) && fits(key) && fits(value) && query.size(-1) % 2 == 0 &&
         query.numel() > 0 && key.numel() > 0;
}

VCFLASH_INLINE Tensor flash_attention(Tensor const& query, Tensor const& key, Tensor const& value,
                                      bool causal) {
  std::int64_t const batch = query.size(0), heads = query.size(1), queries = query.size(2),
                     head_dim = query.size(3), kv_heads = key.size(1);
  Tensor out = at::empty({batch, queries, heads, head_dim}, query.options());
  auto const operand = [](Tensor const& t) {
    return detail::FlashAttention::Operand{t.const_data_ptr<c10::BFloat16>(), t.stride(0),
                                           t.stride(1), t.stride(2)};
  };
  detail::FlashAttention const attention{operand(query), operand(key),
                                         operand(value), out.mutable_data_ptr<c10::BFloat16>(),
                                         kv_heads,       heads / kv_heads,
                                         queries,        key.size(2),
                                         head_dim,       causal};
  cpu::in_parallel(batch * kv_heads * attention.tasks_of_head(), 1,
                   [&](std::int64_t begin, std::int64_t end) {
                     detail::FlashAttention::Scratch const scratch(attention);
                     for (; begin < end; ++begin) attention.run(scratch, begin);
                   });
  return out.transpose(1, 2);
}

#else

VCFLASH_INLINE bool takes_flash_attention(Tensor const&, Tensor const&, Tensor const&) {
  return false;
}

VCFLASH_INLINE Tensor flash_attention(Tensor const&, Tensor const&, Tensor const&, bool) {
  return {};
}

#endif

}  // namespace vcflash::kernels
