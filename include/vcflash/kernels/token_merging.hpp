#pragma once

#include <vcflash/tensor/tensor.hpp>

#include <ATen/core/grad_mode.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/ones.h>

#include <algorithm>
#include <cstdint>
#include <tuple>

namespace vcflash::kernels {

namespace detail {

/// One round of bipartite soft matching: which of the even tokens go into which odd ones.
struct Matching {
  Tensor kept;         ///< [batch, even - merged, 1], the even tokens that stay
  Tensor source;       ///< [batch, merged, 1], the even tokens that are merged
  Tensor destination;  ///< [batch, merged, 1], the odd tokens they go into
};

/// Even tokens by descending cosine similarity to their nearest odd token; the first `merged` go.
/// \param metric [batch, tokens, channels]
inline Matching match(Tensor const& metric, std::int64_t merged) {
  at::NoGradGuard const no_grad;
  Tensor const unit = metric / metric.norm(2, {-1}, /*keepdim=*/true);
  Tensor const even = unit.slice(1, 0, std::nullopt, 2);
  Tensor const odd = unit.slice(1, 1, std::nullopt, 2);
  auto const [similarity, nearest] = even.matmul(odd.transpose(1, 2)).max(-1);
  Tensor const order = std::get<1>(similarity.sort(/*stable=*/true, -1, /*descending=*/true));
  Tensor const source = order.narrow(1, 0, merged);
  return {order.narrow(1, merged, order.size(1) - merged).unsqueeze(-1), source.unsqueeze(-1),
          nearest.gather(1, source).unsqueeze(-1)};
}

/// Adds merged tokens into their destinations: kept even tokens first, then all odd ones.
/// \param x [batch, tokens, channels]  \return [batch, tokens - merged, channels]
inline Tensor merge(Tensor const& x, Matching const& matching) {
  std::int64_t const channels = x.size(2);
  auto const wide = [&](Tensor const& index) {
    return index.expand({index.size(0), index.size(1), channels});
  };
  Tensor const even = x.slice(1, 0, std::nullopt, 2);
  Tensor const odd = x.slice(1, 1, std::nullopt, 2);
  Tensor const moved = even.gather(1, wide(matching.source));
  return at::cat(
      {even.gather(1, wide(matching.kept)), odd.scatter_add(1, wide(matching.destination), moved)},
      1);
}

}  // namespace detail

/// Token merging (ToMe, Bolya et al. 2023) repeated until `target` tokens are left, each the
/// weighted mean of what it holds; at most half of what is left is merged in a round. The
/// similarity is that of the features averaged over attention heads; the choice carries no
/// gradient. Upstream: `ToMe16_mlp_hd64.merge_tokens`.
/// \param x [batch, tokens, heads * head_dim]  \return [batch, target, heads * head_dim]
inline Tensor merge_tokens(Tensor x, std::int64_t target, std::int64_t heads) {
  std::int64_t const channels = x.size(2);
  Tensor size = at::ones({x.size(0), x.size(1), 1}, x.options());
  while (x.size(1) > target) {
    std::int64_t const tokens = x.size(1);
    std::int64_t const merged = std::min(tokens - target, tokens / 2);
    Tensor const metric = x.detach().view({x.size(0), tokens, heads, channels / heads}).mean(2);
    detail::Matching const matching = detail::match(metric, merged);
    x = detail::merge(x * size, matching);
    size = detail::merge(size, matching);
    x = x / size;
  }
  return x;
}

}  // namespace vcflash::kernels
