#pragma once

#include <vcflash/tensor/aten.hpp>
#include <vcflash/tensor/tensor.hpp>

#include <ATen/core/grad_mode.h>

#include <algorithm>
#include <cstdint>
#include <tuple>

namespace vcflash::kernels {

namespace detail {

/// One round of bipartite soft matching: which of the even tokens go into which odd ones.
struct Matching {
  Tensor kept;         ///< [batch, even - merged], the even tokens that stay
  Tensor source;       ///< [batch, merged], the even tokens that are merged
  Tensor destination;  ///< [batch, merged], the odd tokens they go into
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
  return {order.narrow(1, merged, order.size(1) - merged), source, nearest.gather(1, source)};
}

/// Even tokens by their place among the even ones.
/// \param x [batch, tokens, channels]  \param places [batch, chosen]
/// \return [batch, chosen, channels]
inline Tensor even_tokens(Tensor const& x, Tensor const& places) {
  Tensor const first = aten::arange(x.size(0), places.options()).unsqueeze(1) * x.size(1);
  return x.flatten(0, 1)
      .index_select(0, (places * 2 + first).flatten())
      .view({x.size(0), places.size(1), x.size(2)});
}

/// Adds tokens into the odd tokens they go into, one after the other.
/// \param odd [batch, odd, channels]  \param moved [batch, merged, channels]
inline Tensor add_one_by_one(Tensor const& odd, Tensor const& moved, Tensor const& destination) {
  return odd.scatter_add(1, destination.unsqueeze(-1).expand(moved.sizes()), moved);
}

/// The same as a product with a matrix of zeros and ones. On a GPU it is as fast as adding there in
/// no certain order, and comes out the same every time.
inline Tensor add_by_product(Tensor const& odd, Tensor const& moved, Tensor const& destination) {
  Tensor const place = aten::arange(odd.size(1), destination.options()).view({1, -1, 1});
  Tensor const goes = destination.unsqueeze(1).eq(place).to(odd.scalar_type());
  return odd.baddbmm(goes, moved);
}

/// Adds merged tokens into their destinations: kept even tokens first, then all odd ones.
/// \param x [batch, tokens, channels]  \return [batch, tokens - merged, channels]
inline Tensor merge(Tensor const& x, Matching const& matching) {
  Tensor const odd = x.slice(1, 1, std::nullopt, 2);
  Tensor const moved = even_tokens(x, matching.source);
  Tensor const all = x.is_cuda() ? add_by_product(odd, moved, matching.destination)
                                 : add_one_by_one(odd, moved, matching.destination);
  if (matching.kept.size(1) == 0) return all;
  return aten::cat({even_tokens(x, matching.kept), all}, 1);
}

}  // namespace detail

/// Token merging (ToMe, Bolya et al. 2023) repeated until `target` tokens are left, each the
/// weighted mean of what it holds; at most half of what is left is merged in a round. The
/// similarity is that of the features averaged over attention heads; the choice carries no
/// gradient. Upstream: `ToMe16_mlp_hd64.merge_tokens`.
/// \param x [batch, tokens, heads * head_dim]  \return [batch, target, heads * head_dim]
inline Tensor merge_tokens(Tensor x, std::int64_t target, std::int64_t heads) {
  std::int64_t const channels = x.size(2);
  Tensor size = aten::full({x.size(0), x.size(1), 1}, 1, x.options());
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
