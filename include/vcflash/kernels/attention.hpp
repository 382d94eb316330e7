#pragma once

#include <vcflash/tensor/tensor.hpp>

#include <ATen/ops/arange.h>
#include <ATen/ops/scaled_dot_product_attention.h>

#include <cstdint>
#include <optional>

namespace vcflash::kernels {

/// Softmax attention with scale head_dim^-0.5, without materialised scores.
/// Grouped queries: `heads` is a multiple of `kv_heads`, neighbouring heads share one.
/// \param query [batch, heads, queries, head_dim]
/// \param key, value [batch, kv_heads, keys, head_dim]
/// \param causal the last query sees all keys, each earlier one a key less
/// \return [batch, heads, queries, head_dim]
inline Tensor attention(Tensor const& query, Tensor key, Tensor value, bool causal) {
  std::int64_t const heads = query.size(1);
  std::int64_t const group = heads / key.size(1);
  if (group > 1) {
    auto const repeat = [&](Tensor const& t) {
      return t.unsqueeze(2)
          .expand({t.size(0), t.size(1), group, t.size(2), t.size(3)})
          .reshape({t.size(0), heads, t.size(2), t.size(3)});
    };
    key = repeat(key);
    value = repeat(value);
  }
  std::int64_t const queries = query.size(2);
  std::int64_t const keys = key.size(2);
  if (!causal || queries == 1) return at::scaled_dot_product_attention(query, key, value);
  if (queries == keys) {
    return at::scaled_dot_product_attention(query, key, value, std::nullopt, 0.0, true);
  }
  auto const options = query.options().dtype(at::kLong);
  Tensor const row = at::arange(keys - queries, keys, options).unsqueeze(1);
  Tensor const column = at::arange(keys, options).unsqueeze(0);
  return at::scaled_dot_product_attention(query, key, value, column.le(row));
}

}  // namespace vcflash::kernels
