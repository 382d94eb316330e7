#pragma once

#include <vcflash/kernels/half_products.hpp>
#include <vcflash/kernels/learning_attention.hpp>
#include <vcflash/kernels/vector_math.hpp>
#include <vcflash/tensor/aten.hpp>

#include <torch/csrc/autograd/custom_function.h>

#include <algorithm>
#include <cmath>
#include <numbers>

namespace vcflash::kernels {

#ifdef __x86_64__

namespace detail {

/// One head at a time. Scores stand transposed, a row for each key, so that a product's pairs are
/// neighbouring queries.
struct FlashAttentionBackward {
  using Half = cpu::Half;

  static constexpr std::int64_t key_block = 96, query_block = 192;

  cpu::Heads gradient, query, key, value, mixed;
  float const* log_sums;               ///< [batch, heads, queries]
  Half *of_query, *of_key, *of_value;  ///< [batch, tokens, heads, head_dim]
  std::int64_t heads, group, queries, keys, head_dim;
  bool causal;

  std::int64_t width() const { return cpu::rounded_up(head_dim, cpu::lanes); }
  std::int64_t padded_queries() const { return cpu::rounded_up(queries, cpu::strip); }
  float scale() const { return 1 / std::sqrt(static_cast<float>(head_dim)); }

  static Tensor halves(std::int64_t count) { return aten::empty({count}, at::kBFloat16); }
  static Tensor floats(std::int64_t count) { return aten::empty({count}, at::kFloat); }

  /// What a thread needs for a head: all queries as columns and rows, their sums, and a block's
  /// scores.
  struct Scratch {
    Tensor query_columns, query_rows, gradient_columns, gradient_rows, log_sums, deltas;
    Tensor of_query;     ///< transposed: [head_dim, padded queries]
    Tensor turned_keys;  ///< [head_dim, key_block]
    Tensor scores, of_weights, weights, of_scores, paired_scores, of_keys, of_values;

    explicit Scratch(FlashAttentionBackward const& a)
        : query_columns(halves(a.padded_queries() * a.head_dim)),
          query_rows(halves(a.padded_queries() * a.width())),
          gradient_columns(halves(a.padded_queries() * a.head_dim)),
          gradient_rows(halves(a.padded_queries() * a.width())),
          log_sums(floats(a.padded_queries())),
          deltas(floats(a.padded_queries())),
          of_query(floats(a.padded_queries() * a.head_dim)),
          turned_keys(halves(key_block * a.head_dim)),
          scores(floats(cpu::tile * query_block)),
          of_weights(floats(cpu::tile * query_block)),
          weights(halves(key_block * query_block)),
          of_scores(halves(key_block * query_block)),
          paired_scores(halves(key_block * query_block)),
          of_keys(floats(key_block * a.width())),
          of_values(floats(key_block * a.width())) {}
  };

  /// A key's scores of some queries become weights, and the gradients of its weights become those
  /// of its scores.
  /// \param log_sum to base 2
  /// \param first_seeing the first of these queries that sees the key
  VCFLASH_AVX512_BF16 void soften(float const* scores, float const* of_weights,
                                  float const* log_sum, float const* delta, std::int64_t count,
                                  std::int64_t first_seeing, Half* weights, Half* of_scores) const {
    float const scale_of_powers = scale() * std::numbers::log2e_v<float>;
    auto const seeing = cpu::all(static_cast<float>(first_seeing));
    cpu::Floats place;
    for (int lane = 0; lane < cpu::lanes; ++lane) place[lane] = static_cast<float>(lane);
    for (std::int64_t q = 0; q < count; q += cpu::lanes, place += cpu::all(cpu::lanes)) {
      cpu::Floats weight =
          cpu::exp2(cpu::load(scores + q) * scale_of_powers - cpu::load(log_sum + q));
      weight = place < seeing ? cpu::all(0) : weight;
      cpu::narrow(weights + q, weight);
      cpu::narrow(of_scores + q,
                  weight * (cpu::load(of_weights + q) - cpu::load(delta + q)) * scale());
    }
  }

  /// Lays out what all keys of a head meet.
  void prepare(Scratch const& s, std::int64_t b, std::int64_t head) const {
    auto const query_row = [&](std::int64_t q) { return query.at(b, head, q); };
    auto const gradient_row = [&](std::int64_t q) { return gradient.at(b, head, q); };
    cpu::lay_out_columns(s.query_columns.mutable_data_ptr<Half>(), query_row, queries, head_dim);
    cpu::lay_out_columns(s.gradient_columns.mutable_data_ptr<Half>(), gradient_row, queries,
                         head_dim);
    cpu::lay_out_rows(s.query_rows.mutable_data_ptr<Half>(), query_row, queries, head_dim, width());
    cpu::lay_out_rows(s.gradient_rows.mutable_data_ptr<Half>(), gradient_row, queries, head_dim,
                      width());
    auto* const sums = s.log_sums.mutable_data_ptr<float>();
    auto* const deltas = s.deltas.mutable_data_ptr<float>();
    for (std::int64_t q = 0; q < padded_queries(); ++q) {
      // What pads has gradients of zero, whatever it weighs.
      sums[q] = q < queries
                    ? log_sums[(b * heads + head) * queries + q] * std::numbers::log2e_v<float>
                    : 0;
      deltas[q] = 0;
      for (std::int64_t d = 0; q < queries && d < head_dim; ++d) {
        deltas[q] +=
            static_cast<float>(gradient_row(q)[d]) * static_cast<float>(mixed.at(b, head, q)[d]);
      }
    }
    s.of_query.zero_();
  }

  /// Some keys by some queries.
  void pass(Scratch const& s, std::int64_t b, std::int64_t head, std::int64_t first_key,
            std::int64_t key_count, std::int64_t first_query) const {
    std::int64_t const count = std::min(query_block, padded_queries() - first_query);
    auto* const scores = s.scores.mutable_data_ptr<float>();
    auto* const of_weights = s.of_weights.mutable_data_ptr<float>();
    auto* const weights = s.weights.mutable_data_ptr<Half>();
    auto* const of_scores = s.of_scores.mutable_data_ptr<Half>();
    auto* const paired = s.paired_scores.mutable_data_ptr<Half>();
    for (std::int64_t k = 0; k < key_count; k += cpu::tile) {
      std::int64_t const rows = std::min(cpu::tile, key_count - k);
      auto const by_columns = [&](cpu::Heads const& left, Tensor const& columns, float* to) {
        for (std::int64_t q = 0; q < count; q += cpu::strip) {
          cpu::multiply<false>(
              [&](std::int64_t r) { return left.at(b, head / group, first_key + k + r); },
              columns.const_data_ptr<Half>() + (first_query + q) * head_dim, 2 * cpu::strip,
              head_dim / 2, to + q, query_block, rows, cpu::strip / cpu::lanes);
        }
      };
      by_columns(key, s.query_columns, scores);
      by_columns(value, s.gradient_columns, of_weights);
      for (std::int64_t r = 0; r < rows; ++r) {
        std::int64_t const first_seeing =
            causal ? first_key + k + r - (keys - queries) - first_query : 0;
        soften(scores + r * query_block, of_weights + r * query_block,
               s.log_sums.const_data_ptr<float>() + first_query,
               s.deltas.const_data_ptr<float>() + first_query, count, first_seeing,
               weights + (k + r) * query_block, of_scores + (k + r) * query_block);
      }
    }
    for (std::int64_t k = 0; k < key_count; k += 2) {
      Half const* const one = of_scores + k * query_block;
      Half const* const other = k + 1 < key_count ? one + query_block : nullptr;
      cpu::interleave(paired + k * query_block, one, other, count);
    }
    auto const by_rows = [&](Half const* left, Tensor const& right, Tensor const& to) {
      cpu::multiply<true>([&](std::int64_t k) { return left + k * query_block; },
                          right.const_data_ptr<Half>() + first_query * width(), 2 * width(),
                          count / 2, to.mutable_data_ptr<float>(), width(), key_count,
                          width() / cpu::lanes);
    };
    by_rows(weights, s.gradient_rows, s.of_values);
    by_rows(of_scores, s.query_rows, s.of_keys);
    auto const* const turned = s.turned_keys.const_data_ptr<Half>();
    cpu::multiply<true>([&](std::int64_t d) { return turned + d * key_block; }, paired,
                        2 * query_block, (key_count + 1) / 2,
                        s.of_query.mutable_data_ptr<float>() + first_query, padded_queries(),
                        head_dim, count / cpu::lanes);
  }

  void run(Scratch const& s, std::int64_t b, std::int64_t head) const {
    prepare(s, b, head);
    for (std::int64_t first = 0; first < keys; first += key_block) {
      std::int64_t const count = std::min(key_block, keys - first);
      auto* const turned = s.turned_keys.mutable_data_ptr<Half>();
      s.turned_keys.zero_();
      for (std::int64_t k = 0; k < count; ++k) {
        Half const* const from = key.at(b, head / group, first + k);
        for (std::int64_t d = 0; d < head_dim; ++d) turned[d * key_block + k] = from[d];
      }
      s.of_keys.zero_();
      s.of_values.zero_();
      std::int64_t const first_seeing =
          causal ? std::max<std::int64_t>(0, first - (keys - queries)) : 0;
      for (std::int64_t q = first_seeing / query_block * query_block; q < queries;
           q += query_block) {
        pass(s, b, head, first, count, q);
      }
      auto const* const of_keys = s.of_keys.const_data_ptr<float>();
      auto const* const of_values = s.of_values.const_data_ptr<float>();
      for (std::int64_t k = 0; k < count; ++k) {
        std::int64_t const place = ((b * keys + first + k) * heads + head) * head_dim;
        for (std::int64_t d = 0; d < head_dim; ++d) {
          of_key[place + d] = of_keys[k * width() + d];
          of_value[place + d] = of_values[k * width() + d];
        }
      }
    }
    auto const* const turned = s.of_query.const_data_ptr<float>();
    for (std::int64_t q = 0; q < queries; ++q) {
      std::int64_t const place = ((b * queries + q) * heads + head) * head_dim;
      for (std::int64_t d = 0; d < head_dim; ++d) {
        of_query[place + d] = turned[d * padded_queries() + q];
      }
    }
  }
};

}  // namespace detail

VCFLASH_INLINE AttentionGradients flash_attention_backward(Tensor const& gradient,
                                                           Tensor const& query, Tensor const& key,
                                                           Tensor const& value,
                                                           Attended const& attended, bool causal) {
  std::int64_t const batch = query.size(0), heads = query.size(1), queries = query.size(2),
                     head_dim = query.size(3), keys = key.size(2), group = heads / key.size(1);
  Tensor const dense = gradient.stride(-1) == 1 ? gradient : gradient.contiguous();
  auto const of = [&](std::int64_t tokens) {
    return aten::empty({batch, tokens, heads, head_dim}, query.options().requires_grad(false));
  };
  Tensor const of_query = of(queries), of_key = of(keys), of_value = of(keys);
  detail::FlashAttentionBackward const backward{cpu::Heads(dense),
                                                cpu::Heads(query),
                                                cpu::Heads(key),
                                                cpu::Heads(value),
                                                cpu::Heads(attended.mixed),
                                                attended.log_sums.const_data_ptr<float>(),
                                                of_query.mutable_data_ptr<cpu::Half>(),
                                                of_key.mutable_data_ptr<cpu::Half>(),
                                                of_value.mutable_data_ptr<cpu::Half>(),
                                                heads,
                                                group,
                                                queries,
                                                keys,
                                                head_dim,
                                                causal};
  cpu::in_parallel(batch * heads, 1, [&](std::int64_t begin, std::int64_t end) {
    detail::FlashAttentionBackward::Scratch const scratch(backward);
    for (; begin < end; ++begin) backward.run(scratch, begin / heads, begin % heads);
  });
  // Heads that share keys and values share their gradients.
  auto const shared = [&](Tensor const& t) {
    if (group == 1) return t.transpose(1, 2);
    return t.unflatten(2, {key.size(1), group}).sum(3).transpose(1, 2);
  };
  return {of_query.transpose(1, 2), shared(of_key), shared(of_value)};
}

#else

VCFLASH_INLINE AttentionGradients flash_attention_backward(Tensor const&, Tensor const&,
                                                           Tensor const&, Tensor const&,
                                                           Attended const&, bool) {
  return {};
}

#endif

namespace detail {

struct LearningAttention : torch::autograd::Function<LearningAttention> {
  static Tensor forward(torch::autograd::AutogradContext* context, Tensor const& query,
                        Tensor const& key, Tensor const& value, bool causal) {
    auto attended = flash_attention(query, key, value, causal);
    context->save_for_backward({query, key, value, attended.mixed, attended.log_sums});
    context->saved_data["causal"] = causal;
    return attended.mixed;
  }

  static torch::autograd::tensor_list backward(torch::autograd::AutogradContext* context,
                                               torch::autograd::tensor_list gradients) {
    auto const saved = context->get_saved_variables();
    auto const of =
        flash_attention_backward(gradients[0], saved[0], saved[1], saved[2], {saved[3], saved[4]},
                                 context->saved_data["causal"].toBool());
    return {of.query, of.key, of.value, {}};
  }
};

}  // namespace detail

VCFLASH_INLINE Tensor learning_flash_attention(Tensor const& query, Tensor const& key,
                                               Tensor const& value, bool causal) {
  return detail::LearningAttention::apply(query, key, value, causal);
}

}  // namespace vcflash::kernels
