#pragma once

#include <vcflash/kernels/cpu/bf16_products.hpp>
#include <vcflash/kernels/cpu/flash_attention_backward.hpp>
#include <vcflash/kernels/cpu/threads.hpp>
#include <vcflash/kernels/cpu/vector_math.hpp>
#include <vcflash/tensor/aten.hpp>

#include <algorithm>
#include <cmath>
#include <numbers>

namespace vcflash::kernels::cpu {

#ifdef __x86_64__

namespace detail {

/// One head at a time. Scores stand transposed, a row for each key, so that a product's pairs are
/// neighbouring queries.
struct FlashAttentionBackward {
  static constexpr std::int64_t key_block = 96, query_block = 192;

  Heads gradient, query, key, value, output;
  float const* log_sum_exp;                  ///< [batch, heads, queries]
  Bf16 *grad_query, *grad_key, *grad_value;  ///< [batch, tokens, heads, head_dim]
  std::int64_t heads, group, queries, keys, head_dim;
  bool causal;

  std::int64_t width() const { return rounded_up(head_dim, lanes); }
  std::int64_t padded_queries() const { return rounded_up(queries, strip); }
  float scale() const { return 1 / std::sqrt(static_cast<float>(head_dim)); }

  static Tensor bf16(std::int64_t count) { return aten::empty({count}, at::kBFloat16); }
  static Tensor floats(std::int64_t count) { return aten::empty({count}, at::kFloat); }

  /// What a thread needs for a head: all queries as columns and rows, what is known of each, and a
  /// block's scores.
  struct Scratch {
    Tensor query_columns, query_rows, gradient_columns, gradient_rows, log_sum_exp, deltas;
    Tensor grad_query;       ///< transposed: [head_dim, padded queries]
    Tensor transposed_keys;  ///< [head_dim, key_block]
    Tensor scores, grad_weights, weights, grad_scores, paired_scores, grad_keys, grad_values;

    explicit Scratch(FlashAttentionBackward const& a)
        : query_columns(bf16(a.padded_queries() * a.head_dim)),
          query_rows(bf16(a.padded_queries() * a.width())),
          gradient_columns(bf16(a.padded_queries() * a.head_dim)),
          gradient_rows(bf16(a.padded_queries() * a.width())),
          log_sum_exp(floats(a.padded_queries())),
          deltas(floats(a.padded_queries())),
          grad_query(floats(a.padded_queries() * a.head_dim)),
          transposed_keys(bf16(key_block * a.head_dim)),
          scores(floats(tile * query_block)),
          grad_weights(floats(tile * query_block)),
          weights(bf16(key_block * query_block)),
          grad_scores(bf16(key_block * query_block)),
          paired_scores(bf16(key_block * query_block)),
          grad_keys(floats(key_block * a.width())),
          grad_values(floats(key_block * a.width())) {}
  };

  /// A key's scores of some queries become weights, and the gradients of its weights become those
  /// of its scores.
  /// \param log_sum_exp to base 2
  /// \param first_seeing the first of these queries that sees the key
  VCFLASH_AVX512_BF16 void softmax_backward(float const* scores, float const* grad_weights,
                                            float const* log_sum_exp, float const* delta,
                                            std::int64_t count, std::int64_t first_seeing,
                                            Bf16* weights, Bf16* grad_scores) const {
    float const scale_of_powers = scale() * std::numbers::log2e_v<float>;
    auto const seeing = broadcast(static_cast<float>(first_seeing));
    Floats place;
    for (int lane = 0; lane < lanes; ++lane) place[lane] = static_cast<float>(lane);
    for (std::int64_t q = 0; q < count; q += lanes, place += broadcast(lanes)) {
      Floats weight = exp2(load(scores + q) * scale_of_powers - load(log_sum_exp + q));
      weight = place < seeing ? broadcast(0) : weight;
      store_rounded(weights + q, weight);
      store_rounded(grad_scores + q, weight * (load(grad_weights + q) - load(delta + q)) * scale());
    }
  }

  /// Lays out what all keys of a head meet.
  void prepare(Scratch const& s, std::int64_t b, std::int64_t head) const {
    auto const query_row = [&](std::int64_t q) { return query.at(b, head, q); };
    auto const gradient_row = [&](std::int64_t q) { return gradient.at(b, head, q); };
    lay_out_columns(s.query_columns.mutable_data_ptr<Bf16>(), query_row, queries, head_dim);
    lay_out_columns(s.gradient_columns.mutable_data_ptr<Bf16>(), gradient_row, queries, head_dim);
    lay_out_rows(s.query_rows.mutable_data_ptr<Bf16>(), query_row, queries, head_dim, width());
    lay_out_rows(s.gradient_rows.mutable_data_ptr<Bf16>(), gradient_row, queries, head_dim,
                 width());
    auto* const log2_sum_exp = s.log_sum_exp.mutable_data_ptr<float>();
    auto* const deltas = s.deltas.mutable_data_ptr<float>();
    for (std::int64_t q = 0; q < padded_queries(); ++q) {
      // What pads has gradients of zero, whatever it weighs.
      log2_sum_exp[q] =
          q < queries ? log_sum_exp[(b * heads + head) * queries + q] * std::numbers::log2e_v<float>
                      : 0;
      deltas[q] = 0;
      for (std::int64_t d = 0; q < queries && d < head_dim; ++d) {
        deltas[q] +=
            static_cast<float>(gradient_row(q)[d]) * static_cast<float>(output.at(b, head, q)[d]);
      }
    }
    s.grad_query.zero_();
  }

  /// Some keys by some queries.
  void pass(Scratch const& s, std::int64_t b, std::int64_t head, std::int64_t first_key,
            std::int64_t key_count, std::int64_t first_query) const {
    std::int64_t const count = std::min(query_block, padded_queries() - first_query);
    auto* const scores = s.scores.mutable_data_ptr<float>();
    auto* const grad_weights = s.grad_weights.mutable_data_ptr<float>();
    auto* const weights = s.weights.mutable_data_ptr<Bf16>();
    auto* const grad_scores = s.grad_scores.mutable_data_ptr<Bf16>();
    auto* const paired = s.paired_scores.mutable_data_ptr<Bf16>();
    for (std::int64_t k = 0; k < key_count; k += tile) {
      std::int64_t const rows = std::min(tile, key_count - k);
      auto const by_columns = [&](Heads const& left, Tensor const& columns, float* to) {
        for (std::int64_t q = 0; q < count; q += strip) {
          multiply<false>(
              [&](std::int64_t r) { return left.at(b, head / group, first_key + k + r); },
              columns.const_data_ptr<Bf16>() + (first_query + q) * head_dim, 2 * strip,
              head_dim / 2, to + q, query_block, rows, strip / lanes);
        }
      };
      by_columns(key, s.query_columns, scores);
      by_columns(value, s.gradient_columns, grad_weights);
      for (std::int64_t r = 0; r < rows; ++r) {
        std::int64_t const first_seeing =
            causal ? first_key + k + r - (keys - queries) - first_query : 0;
        softmax_backward(scores + r * query_block, grad_weights + r * query_block,
                         s.log_sum_exp.const_data_ptr<float>() + first_query,
                         s.deltas.const_data_ptr<float>() + first_query, count, first_seeing,
                         weights + (k + r) * query_block, grad_scores + (k + r) * query_block);
      }
    }
    for (std::int64_t k = 0; k < key_count; k += 2) {
      Bf16 const* const one = grad_scores + k * query_block;
      Bf16 const* const other = k + 1 < key_count ? one + query_block : nullptr;
      interleave(paired + k * query_block, one, other, count);
    }
    auto const by_rows = [&](Bf16 const* left, Tensor const& right, Tensor const& to) {
      multiply<true>([&](std::int64_t k) { return left + k * query_block; },
                     right.const_data_ptr<Bf16>() + first_query * width(), 2 * width(), count / 2,
                     to.mutable_data_ptr<float>(), width(), key_count, width() / lanes);
    };
    by_rows(weights, s.gradient_rows, s.grad_values);
    by_rows(grad_scores, s.query_rows, s.grad_keys);
    auto const* const transposed = s.transposed_keys.const_data_ptr<Bf16>();
    multiply<true>([&](std::int64_t d) { return transposed + d * key_block; }, paired,
                   2 * query_block, (key_count + 1) / 2,
                   s.grad_query.mutable_data_ptr<float>() + first_query, padded_queries(), head_dim,
                   count / lanes);
  }

  void run(Scratch const& s, std::int64_t b, std::int64_t head) const {
    prepare(s, b, head);
    for (std::int64_t first = 0; first < keys; first += key_block) {
      std::int64_t const count = std::min(key_block, keys - first);
      auto* const transposed = s.transposed_keys.mutable_data_ptr<Bf16>();
      s.transposed_keys.zero_();
      for (std::int64_t k = 0; k < count; ++k) {
        Bf16 const* const from = key.at(b, head / group, first + k);
        for (std::int64_t d = 0; d < head_dim; ++d) transposed[d * key_block + k] = from[d];
      }
      s.grad_keys.zero_();
      s.grad_values.zero_();
      std::int64_t const first_seeing =
          causal ? std::max<std::int64_t>(0, first - (keys - queries)) : 0;
      for (std::int64_t q = first_seeing / query_block * query_block; q < queries;
           q += query_block) {
        pass(s, b, head, first, count, q);
      }
      auto const* const grad_keys = s.grad_keys.const_data_ptr<float>();
      auto const* const grad_values = s.grad_values.const_data_ptr<float>();
      for (std::int64_t k = 0; k < count; ++k) {
        std::int64_t const place = ((b * keys + first + k) * heads + head) * head_dim;
        for (std::int64_t d = 0; d < head_dim; ++d) {
          grad_key[place + d] = grad_keys[k * width() + d];
          grad_value[place + d] = grad_values[k * width() + d];
        }
      }
    }
    auto const* const transposed = s.grad_query.const_data_ptr<float>();
    for (std::int64_t q = 0; q < queries; ++q) {
      std::int64_t const place = ((b * queries + q) * heads + head) * head_dim;
      for (std::int64_t d = 0; d < head_dim; ++d) {
        grad_query[place + d] = transposed[d * padded_queries() + q];
      }
    }
  }
};

}  // namespace detail

VCFLASH_INLINE AttentionGradients flash_attention_backward(Tensor const& gradient,
                                                           Tensor const& query, Tensor const& key,
                                                           Tensor const& value,
                                                           FlashAttentionOutput const& attended,
                                                           bool causal) {
  std::int64_t const batch = query.size(0), heads = query.size(1), queries = query.size(2),
                     head_dim = query.size(3), keys = key.size(2), group = heads / key.size(1);
  Tensor const dense = gradient.stride(-1) == 1 ? gradient : gradient.contiguous();
  auto const of = [&](std::int64_t tokens) {
    return aten::empty({batch, tokens, heads, head_dim}, query.options().requires_grad(false));
  };
  Tensor const grad_query = of(queries), grad_key = of(keys), grad_value = of(keys);
  detail::FlashAttentionBackward const backward{Heads(dense),
                                                Heads(query),
                                                Heads(key),
                                                Heads(value),
                                                Heads(attended.output),
                                                attended.log_sum_exp.const_data_ptr<float>(),
                                                grad_query.mutable_data_ptr<Bf16>(),
                                                grad_key.mutable_data_ptr<Bf16>(),
                                                grad_value.mutable_data_ptr<Bf16>(),
                                                heads,
                                                group,
                                                queries,
                                                keys,
                                                head_dim,
                                                causal};
  in_parallel(batch * heads, 1, [&](std::int64_t begin, std::int64_t end) {
    detail::FlashAttentionBackward::Scratch const scratch(backward);
    for (; begin < end; ++begin) backward.run(scratch, begin / heads, begin % heads);
  });
  // Heads that share keys and values share their gradients.
  auto const shared = [&](Tensor const& t) {
    if (group == 1) return t.transpose(1, 2);
    return t.unflatten(2, {key.size(1), group}).sum(3).transpose(1, 2);
  };
  return {grad_query.transpose(1, 2), shared(grad_key), shared(grad_value)};
}

#else

VCFLASH_INLINE AttentionGradients flash_attention_backward(Tensor const&, Tensor const&,
                                                           Tensor const&, Tensor const&,
                                                           FlashAttentionOutput const&, bool) {
  return {};
}

#endif

}  // namespace vcflash::kernels::cpu
