#pragma once

#include <vcflash/kernels/dispatch.hpp>
#include <vcflash/meta/separate.hpp>
#include <vcflash/tensor/aten.hpp>
#include <vcflash/tensor/tensor.hpp>

#include <cmath>
#include <limits>

namespace vcflash::kernels {

/// Softmax attention with scale head_dim^-0.5, without materialised scores.
/// Grouped queries: `heads` is a multiple of `kv_heads`, neighbouring heads share one.
/// \param query [batch, heads, queries, head_dim]
/// \param key, value [batch, kv_heads, keys, head_dim]
/// \param causal the last query sees all keys, each earlier one a key less
/// \param seen instead, which query sees which key: [batch, 1, queries, keys] bool
/// \return [batch, heads, queries, head_dim]; zeros for a query that sees no key
Tensor attention(Tensor const& query, Tensor const& key, Tensor const& value, bool causal,
                 Tensor const& seen = {});

namespace plain {
Tensor attention(Tensor const& query, Tensor const& key, Tensor const& value, bool causal,
                 Tensor const& seen);
}

using AttentionOperation =
    Operation<Tensor(Tensor const&, Tensor const&, Tensor const&, bool, Tensor const&)>;
namespace operations {
AttentionOperation const& attention();
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

#ifndef VCFLASH_SEPARATE
#include <vcflash/kernels/attention.ipp>
#endif
