#pragma once

#include <vcflash/kernels/flash_attention.hpp>
#include <vcflash/kernels/half_products.hpp>
#include <vcflash/kernels/vector_math.hpp>
#include <vcflash/tensor/aten.hpp>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

namespace vcflash::kernels {

#ifdef __x86_64__

namespace detail {

struct FlashAttention {
  using Half = cpu::Half;

  static constexpr std::int64_t block = 512;      ///< keys that are laid out at a time
  static constexpr std::int64_t most_rows = 512;  ///< for which they are laid out

  cpu::Heads query, key, value;
  Half* out;        ///< [batch, queries, heads, head_dim]
  float* log_sums;  ///< [batch, heads, queries]
  std::int64_t kv_heads, group, queries, keys, head_dim;
  bool causal;

  /// As many for each task, as far as that goes.
  std::int64_t queries_of_task() const {
    std::int64_t const tasks = cpu::units(queries * group, most_rows);
    return cpu::rounded_up(cpu::units(queries, tasks), cpu::tile);
  }
  std::int64_t tasks_of_head() const { return cpu::units(queries, queries_of_task()); }
  std::int64_t width() const { return cpu::rounded_up(head_dim, cpu::lanes); }

  /// What a thread needs for a task.
  struct Scratch {
    Tensor keys, values, scores, weights, mixed, most, sum;

    explicit Scratch(FlashAttention const& a) {
      auto const rows = a.queries_of_task() * a.group;
      keys = aten::empty({block * a.head_dim}, at::kBFloat16);
      values = aten::empty({block * a.width()}, at::kBFloat16);
      scores = aten::empty({cpu::tile * block}, at::kFloat);
      weights = aten::empty({cpu::tile * block}, at::kBFloat16);
      mixed = aten::empty({rows * a.width()}, at::kFloat);
      most = aten::empty({rows}, at::kFloat);
      sum = aten::empty({rows}, at::kFloat);
    }
  };

  /// Rows' scores become weights of a softmax whose sum and greatest score, as a power of two, go
  /// on with them.
  VCFLASH_AVX512_BF16 void soften(float const* scores, std::int64_t rows, std::int64_t count,
                                  Half* weights, float* most, float* sum, float* mixed) const {
    float const scale = std::numbers::log2e_v<float> / std::sqrt(static_cast<float>(head_dim));
    float now[cpu::tile];
    for (std::int64_t r = 0; r < rows; ++r) {
      float const* const row = scores + r * block;
      cpu::Floats greatest = cpu::load(row);
      for (std::int64_t k = cpu::lanes; k < count; k += cpu::lanes) {
        greatest = cpu::greater(greatest, cpu::load(row + k));
      }
      now[r] = std::max(most[r], scale * cpu::greatest_of(greatest));
    }
    for (std::int64_t r = 0; r < rows; ++r) {
      if (now[r] > most[r]) {
        cpu::Floats const shrunk = cpu::exp2(cpu::all(most[r] - now[r]));
        sum[r] *= shrunk[0];
        for (std::int64_t d = r * width(); d < (r + 1) * width(); d += cpu::lanes) {
          cpu::store(mixed + d, cpu::load(mixed + d) * shrunk);
        }
        most[r] = now[r];
      }
      cpu::Floats sums = {};
      for (std::int64_t k = r * block; k < r * block + count; k += cpu::lanes) {
        cpu::Floats const some = cpu::exp2(cpu::load(scores + k) * scale - now[r]);
        sums += some;
        cpu::narrow(weights + k, some);
      }
      sum[r] += cpu::sum_of(sums);
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
    auto* const weights = scratch.weights.mutable_data_ptr<Half>();
    auto* const mixed = scratch.mixed.mutable_data_ptr<float>() + row * width();
    auto const query_of = [&](std::int64_t r) { return first_query + (row + r) / group; };
    std::int64_t const in_sight =
        cpu::rounded_up(seen(query_of(rows - 1), first, count), cpu::lanes);
    if (in_sight == 0) return;
    Half const* queries_of_rows[cpu::tile];
    for (std::int64_t r = 0; r < rows; ++r) {
      queries_of_rows[r] = query.at(b, h * group + (row + r) % group, query_of(r));
    }
    auto const* const laid_keys = scratch.keys.const_data_ptr<Half>();
    for (std::int64_t k = 0; k < in_sight; k += cpu::strip) {
      cpu::multiply<false>([&](std::int64_t r) { return queries_of_rows[r]; },
                           laid_keys + k * head_dim, 2 * cpu::strip, head_dim / 2, scores + k,
                           block, rows, std::min(cpu::strip, in_sight - k) / cpu::lanes);
    }
    for (std::int64_t r = 0; r < rows; ++r) {
      std::fill(scores + r * block + seen(query_of(r), first, count), scores + r * block + in_sight,
                -std::numeric_limits<float>::infinity());
    }
    soften(scores, rows, in_sight, weights, scratch.most.mutable_data_ptr<float>() + row,
           scratch.sum.mutable_data_ptr<float>() + row, mixed);
    cpu::multiply<true>([&](std::int64_t r) { return weights + r * block; },
                        scratch.values.const_data_ptr<Half>(), 2 * width(), in_sight / 2, mixed,
                        width(), rows, width() / cpu::lanes);
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
      cpu::lay_out_columns(
          scratch.keys.mutable_data_ptr<Half>(),
          [&](std::int64_t k) { return key.at(b, h, first + k); }, count, head_dim);
      cpu::lay_out_rows(
          scratch.values.mutable_data_ptr<Half>(),
          [&](std::int64_t k) { return value.at(b, h, first + k); }, count, head_dim, width());
      for (std::int64_t row = 0; row < rows; row += cpu::tile) {
        pass(scratch, b, h, first_query, row, std::min(cpu::tile, rows - row), first, count);
      }
    }
    auto const* const mixed = scratch.mixed.const_data_ptr<float>();
    auto const* const sum = scratch.sum.const_data_ptr<float>();
    auto const* const most = scratch.most.const_data_ptr<float>();
    std::int64_t const heads = kv_heads * group;
    for (std::int64_t row = 0; row < rows; ++row) {
      std::int64_t const q = first_query + row / group, head = h * group + row % group;
      Half* const to = out + ((b * queries + q) * heads + head) * head_dim;
      for (std::int64_t d = 0; d < head_dim; ++d) to[d] = mixed[row * width() + d] / sum[row];
      log_sums[(b * heads + head) * queries + q] =
          most[row] * std::numbers::ln2_v<float> + std::log(sum[row]);
    }
  }
};

}  // namespace detail

VCFLASH_INLINE bool takes_flash_attention(Tensor const& query, Tensor const& key,
                                          Tensor const& value) {
  auto const fits = [](Tensor const& tensor) {
    return tensor.is_cpu() && tensor.scalar_type() == at::kBFloat16 && tensor.dim() == 4 &&
           tensor.stride(-1) == 1 && tensor.numel() > 0;
  };
  return cpu::has_fast_pairs() && fits(query) && fits(key) && fits(value) &&
         key.sizes() == value.sizes() && query.size(0) == key.size(0) &&
         query.size(1) % key.size(1) == 0 && query.size(3) == key.size(3) && query.size(3) % 2 == 0;
}

VCFLASH_INLINE Attended flash_attention(Tensor const& query, Tensor const& key, Tensor const& value,
                                        bool causal) {
  std::int64_t const batch = query.size(0), heads = query.size(1), queries = query.size(2),
                     head_dim = query.size(3), kv_heads = key.size(1);
  auto const options = query.options().requires_grad(false);
  Tensor const out = aten::empty({batch, queries, heads, head_dim}, options);
  Tensor const log_sums = aten::empty({batch, heads, queries}, options.dtype(at::kFloat));
  detail::FlashAttention const attention{cpu::Heads(query),
                                         cpu::Heads(key),
                                         cpu::Heads(value),
                                         out.mutable_data_ptr<cpu::Half>(),
                                         log_sums.mutable_data_ptr<float>(),
                                         kv_heads,
                                         heads / kv_heads,
                                         queries,
                                         key.size(2),
                                         head_dim,
                                         causal};
  cpu::in_parallel(batch * kv_heads * attention.tasks_of_head(), 1,
                   [&](std::int64_t begin, std::int64_t end) {
                     detail::FlashAttention::Scratch const scratch(attention);
                     for (; begin < end; ++begin) attention.run(scratch, begin);
                   });
  return {out.transpose(1, 2), log_sums};
}

#else

VCFLASH_INLINE bool takes_flash_attention(Tensor const&, Tensor const&, Tensor const&) {
  return false;
}

VCFLASH_INLINE Attended flash_attention(Tensor const&, Tensor const&, Tensor const&, bool) {
  return {};
}

#endif

}  // namespace vcflash::kernels
