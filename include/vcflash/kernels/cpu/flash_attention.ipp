#pragma once

#include <vcflash/kernels/cpu/bf16_products.hpp>
#include <vcflash/kernels/cpu/flash_attention.hpp>
#include <vcflash/kernels/cpu/threads.hpp>
#include <vcflash/kernels/cpu/vector_math.hpp>
#include <vcflash/tensor/aten.hpp>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

namespace vcflash::kernels::cpu {

#ifdef __x86_64__

namespace detail {

struct FlashAttention {
  static constexpr std::int64_t block = 512;     ///< keys that are laid out at a time
  static constexpr std::int64_t max_rows = 512;  ///< for which they are laid out

  Heads query, key, value;
  Bf16* out;           ///< [batch, queries, heads, head_dim]
  float* log_sum_exp;  ///< [batch, heads, queries]
  std::int64_t kv_heads, group, queries, keys, head_dim;
  bool causal;

  /// As many for each task, as far as that goes.
  std::int64_t queries_of_task() const {
    std::int64_t const tasks = units(queries * group, max_rows);
    return rounded_up(units(queries, tasks), tile);
  }
  std::int64_t tasks_of_head() const { return units(queries, queries_of_task()); }
  std::int64_t width() const { return rounded_up(head_dim, lanes); }

  /// What a thread needs for a task.
  struct Scratch {
    Tensor keys, values, scores, weights, output, row_max, denominator;

    explicit Scratch(FlashAttention const& a) {
      auto const rows = a.queries_of_task() * a.group;
      keys = aten::empty({block * a.head_dim}, at::kBFloat16);
      values = aten::empty({block * a.width()}, at::kBFloat16);
      scores = aten::empty({tile * block}, at::kFloat);
      weights = aten::empty({tile * block}, at::kBFloat16);
      output = aten::empty({rows * a.width()}, at::kFloat);
      row_max = aten::empty({rows}, at::kFloat);
      denominator = aten::empty({rows}, at::kFloat);
    }
  };

  /// Rows' scores become the numerators of a softmax whose denominator and greatest score, times
  /// log2(e), go on with them.
  VCFLASH_AVX512_BF16 void softmax(float const* scores, std::int64_t rows, std::int64_t count,
                                   Bf16* weights, float* row_max, float* denominator,
                                   float* output) const {
    float const scale = std::numbers::log2e_v<float> / std::sqrt(static_cast<float>(head_dim));
    float now[tile];
    for (std::int64_t r = 0; r < rows; ++r) {
      float const* const row = scores + r * block;
      Floats greatest = load(row);
      for (std::int64_t k = lanes; k < count; k += lanes) {
        greatest = max(greatest, load(row + k));
      }
      now[r] = std::max(row_max[r], scale * max_of(greatest));
    }
    for (std::int64_t r = 0; r < rows; ++r) {
      if (now[r] > row_max[r]) {
        Floats const correction = exp2(broadcast(row_max[r] - now[r]));
        denominator[r] *= correction[0];
        for (std::int64_t d = r * width(); d < (r + 1) * width(); d += lanes) {
          store(output + d, load(output + d) * correction);
        }
        row_max[r] = now[r];
      }
      // Of a row that sees nothing yet: all its scores are -infinity.
      float const shift = std::max(now[r], std::numeric_limits<float>::lowest());
      Floats sums = {};
      for (std::int64_t k = r * block; k < r * block + count; k += lanes) {
        Floats const some = exp2(load(scores + k) * scale - shift);
        sums += some;
        store_rounded(weights + k, some);
      }
      denominator[r] += sum_of(sums);
    }
  }

  /// Keys of a block that a query sees.
  std::int64_t seen(std::int64_t q, std::int64_t first, std::int64_t count) const {
    if (!causal) return count;
    return std::clamp<std::int64_t>(keys - queries + q + 1 - first, 0, count);
  }

  /// At most a tile of rows over a block of keys.
  void pass(Scratch const& scratch, std::int64_t b, std::int64_t h, std::int64_t first_query,
            std::int64_t row, std::int64_t rows, std::int64_t first, std::int64_t count) const {
    auto* const scores = scratch.scores.mutable_data_ptr<float>();
    auto* const weights = scratch.weights.mutable_data_ptr<Bf16>();
    auto* const output = scratch.output.mutable_data_ptr<float>() + row * width();
    auto const query_of = [&](std::int64_t r) { return first_query + (row + r) / group; };
    std::int64_t const visible = rounded_up(seen(query_of(rows - 1), first, count), lanes);
    if (visible == 0) return;
    Bf16 const* queries_of_rows[tile];
    for (std::int64_t r = 0; r < rows; ++r) {
      queries_of_rows[r] = query.at(b, h * group + (row + r) % group, query_of(r));
    }
    auto const* const key_columns = scratch.keys.const_data_ptr<Bf16>();
    for (std::int64_t k = 0; k < visible; k += strip) {
      multiply<false>([&](std::int64_t r) { return queries_of_rows[r]; },
                      key_columns + k * head_dim, 2 * strip, head_dim / 2, scores + k, block, rows,
                      std::min(strip, visible - k) / lanes);
    }
    for (std::int64_t r = 0; r < rows; ++r) {
      std::fill(scores + r * block + seen(query_of(r), first, count), scores + r * block + visible,
                -std::numeric_limits<float>::infinity());
    }
    softmax(scores, rows, visible, weights, scratch.row_max.mutable_data_ptr<float>() + row,
            scratch.denominator.mutable_data_ptr<float>() + row, output);
    multiply<true>([&](std::int64_t r) { return weights + r * block; },
                   scratch.values.const_data_ptr<Bf16>(), 2 * width(), visible / 2, output, width(),
                   rows, width() / lanes);
  }

  /// Some queries of the heads that share keys and values.
  void run(Scratch const& scratch, std::int64_t task) const {
    std::int64_t const b = task / tasks_of_head() / kv_heads, h = task / tasks_of_head() % kv_heads;
    std::int64_t const first_query = task % tasks_of_head() * queries_of_task();
    std::int64_t const last_query = std::min(queries, first_query + queries_of_task());
    std::int64_t const rows = (last_query - first_query) * group;
    scratch.output.zero_();
    scratch.denominator.zero_();
    scratch.row_max.fill_(-std::numeric_limits<float>::infinity());
    for (std::int64_t first = 0; first < keys; first += block) {
      std::int64_t const count = seen(last_query - 1, first, std::min(block, keys - first));
      if (count == 0) break;
      lay_out_columns(
          scratch.keys.mutable_data_ptr<Bf16>(),
          [&](std::int64_t k) { return key.at(b, h, first + k); }, count, head_dim);
      lay_out_rows(
          scratch.values.mutable_data_ptr<Bf16>(),
          [&](std::int64_t k) { return value.at(b, h, first + k); }, count, head_dim, width());
      for (std::int64_t row = 0; row < rows; row += tile) {
        pass(scratch, b, h, first_query, row, std::min(tile, rows - row), first, count);
      }
    }
    auto const* const output = scratch.output.const_data_ptr<float>();
    auto const* const denominator = scratch.denominator.const_data_ptr<float>();
    auto const* const row_max = scratch.row_max.const_data_ptr<float>();
    std::int64_t const heads = kv_heads * group;
    for (std::int64_t row = 0; row < rows; ++row) {
      std::int64_t const q = first_query + row / group, head = h * group + row % group;
      Bf16* const to = out + ((b * queries + q) * heads + head) * head_dim;
      float const divisor = denominator[row] == 0 ? 1 : denominator[row];  // it saw no key
      for (std::int64_t d = 0; d < head_dim; ++d) to[d] = output[row * width() + d] / divisor;
      log_sum_exp[(b * heads + head) * queries + q] =
          row_max[row] * std::numbers::ln2_v<float> + std::log(denominator[row]);
    }
  }
};

}  // namespace detail

VCFLASH_INLINE FlashAttentionOutput flash_attention(Tensor const& query, Tensor const& key,
                                                    Tensor const& value, bool causal) {
  std::int64_t const batch = query.size(0), heads = query.size(1), queries = query.size(2),
                     head_dim = query.size(3), kv_heads = key.size(1);
  auto const options = query.options().requires_grad(false);
  Tensor const out = aten::empty({batch, queries, heads, head_dim}, options);
  Tensor const log_sum_exp = aten::empty({batch, heads, queries}, options.dtype(at::kFloat));
  detail::FlashAttention const attention{Heads(query),
                                         Heads(key),
                                         Heads(value),
                                         out.mutable_data_ptr<Bf16>(),
                                         log_sum_exp.mutable_data_ptr<float>(),
                                         kv_heads,
                                         heads / kv_heads,
                                         queries,
                                         key.size(2),
                                         head_dim,
                                         causal};
  in_parallel(batch * kv_heads * attention.tasks_of_head(), 1,
              [&](std::int64_t begin, std::int64_t end) {
                detail::FlashAttention::Scratch const scratch(attention);
                for (; begin < end; ++begin) attention.run(scratch, begin);
              });
  return {out.transpose(1, 2), log_sum_exp};
}

#else

VCFLASH_INLINE FlashAttentionOutput flash_attention(Tensor const&, Tensor const&, Tensor const&,
                                                    bool) {
  return {};
}

#endif

namespace detail {

inline bool takes_attention(Tensor const& query, Tensor const& key, Tensor const& value,
                            bool /*causal*/, Tensor const& seen) {
  auto const fits = [](Tensor const& tensor) {
    return are_bf16(tensor) && tensor.dim() == 4 && tensor.stride(-1) == 1 && tensor.numel() > 0;
  };
  return !seen.defined() && fits(query) && fits(key) && fits(value) &&
         key.sizes() == value.sizes() && query.size(0) == key.size(0) &&
         query.size(1) % key.size(1) == 0 && query.size(3) == key.size(3) && query.size(3) % 2 == 0;
}

inline Tensor attention(Tensor const& query, Tensor const& key, Tensor const& value, bool causal,
                        Tensor const& /*seen*/) {
  return flash_attention(query, key, value, causal).output;
}

}  // namespace detail

VCFLASH_INLINE AttentionPath& attention_path() {
  static AttentionPath path{"AVX512-BF16", has_avx512_bf16, [] { return !has_amx_bf16(); },
                            detail::takes_attention, detail::attention};
  return path;
}

}  // namespace vcflash::kernels::cpu
