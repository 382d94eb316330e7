#pragma once

#include <vcflash/kernels/cpu.hpp>
#include <vcflash/kernels/flash_attention.hpp>
#include <vcflash/tensor/aten.hpp>
#include <vcflash/tensor/tensor.hpp>

#include <cmath>
#include <cstdint>
#include <limits>
#include <optional>

namespace vcflash::kernels {

namespace detail {
/// `flash_attention` with gradients, where kernels/learning_attention.hpp is included: components
/// alone compile without LibTorch's autograd.
inline Tensor (*learning_attention)(Tensor const& query, Tensor const& key, Tensor const& value,
                                    bool causal) = nullptr;
}  // namespace detail

/// Softmax attention with scale head_dim^-0.5, without materialised scores.
/// Grouped queries: `heads` is a multiple of `kv_heads`, neighbouring heads share one.
/// \param query [batch, heads, queries, head_dim]
/// \param key, value [batch, kv_heads, keys, head_dim]
/// \param causal the last query sees all keys, each earlier one a key less
/// \param seen instead, which query sees which key: [batch, 1, queries, keys] bool
/// \return [batch, heads, queries, head_dim]
inline Tensor attention(Tensor const& query, Tensor key, Tensor value, bool causal,
                        Tensor const& seen = {}) {
  if (!seen.defined() && takes_flash_attention(query, key, value)) {
    if (!cpu::learns(query, key, value)) return flash_attention(query, key, value, causal).mixed;
    if (detail::learning_attention != nullptr) {
      return detail::learning_attention(query, key, value, causal);
    }
  }
  std::int64_t const heads = query.size(1);
  std::int64_t const group = heads / key.size(1);
  if (group > 1 && query.size(2) == 1) {
    // The queries of a group stand where those of several tokens would, so that a step of decoding
    // does not copy the cache once for each of them.
    Tensor const grouped = query.reshape({query.size(0), key.size(1), group, query.size(3)});
    Tensor const mixed = seen.defined()
                             ? aten::scaled_dot_product_attention(grouped, key, value, seen)
                             : aten::scaled_dot_product_attention(grouped, key, value);
    return mixed.reshape(query.sizes());
  }
  if (group > 1) {
    auto const repeat = [&](Tensor const& t) {
      return t.unsqueeze(2)
          .expand({t.size(0), t.size(1), group, t.size(2), t.size(3)})
          .reshape({t.size(0), heads, t.size(2), t.size(3)});
    };
    key = repeat(key);
    value = repeat(value);
  }
  if (seen.defined()) return aten::scaled_dot_product_attention(query, key, value, seen);
  std::int64_t const queries = query.size(2);
  std::int64_t const keys = key.size(2);
  if (!causal || queries == 1) return aten::scaled_dot_product_attention(query, key, value);
  if (queries == keys) {
    return aten::scaled_dot_product_attention(query, key, value, std::nullopt, /*causal=*/true);
  }
  auto const options = query.options().dtype(at::kLong);
  Tensor const row = aten::arange(keys - queries, keys, options).unsqueeze(1);
  Tensor const column = aten::arange(keys, options).unsqueeze(0);
  return aten::scaled_dot_product_attention(query, key, value, column.le(row));
}

/// How much chosen tokens of one sequence look at each token, as the mean over all heads.
/// \param query [heads, chosen, head_dim]  \param key [kv_heads, keys, head_dim]
/// \param places [chosen] int64, the key of each chosen token itself; it sees no later one
/// \return [chosen, keys] fp32, each row summing to one
inline Tensor attention_paid(Tensor const& query, Tensor const& key, Tensor const& places) {
  double const scale = 1 / std::sqrt(static_cast<double>(query.size(2)));
  Tensor const grouped = query.unflatten(0, {key.size(0), -1});
  Tensor const scores = grouped.matmul(key.unsqueeze(1).transpose(2, 3)).to(at::kFloat) * scale;
  Tensor const later = aten::arange(key.size(1), places.options()).gt(places.unsqueeze(1));
  constexpr double never = -std::numeric_limits<double>::infinity();
  return scores.masked_fill(later, never).softmax(-1).flatten(0, 1).mean(0);
}

}  // namespace vcflash::kernels
