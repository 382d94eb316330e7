#pragma once

#include <vcflash/kernels/merge_rows.hpp>
#include <vcflash/tensor/aten.hpp>
#include <vcflash/tensor/tensor.hpp>

#include <ATen/core/grad_mode.h>

#include <algorithm>
#include <cstdint>
#include <tuple>

namespace vcflash::kernels {

namespace detail {

/// `head_means` in LibTorch's operations, for any type and device.
inline Tensor plain_head_means(Tensor const& x, std::int64_t heads) {
  Tensor const mean = x.unflatten(2, {heads, x.size(2) / heads}).mean(2);
  return mean / mean.norm(2, {-1}, /*keepdim=*/true);
}

/// Even tokens by descending cosine similarity to their nearest odd token; the first `merged` go.
/// \param unit [batch, tokens, channels], each token as long as one
inline Matching match(Tensor const& unit, std::int64_t merged) {
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

/// `merge_rows` in LibTorch's operations, for any type and device, with gradients.
inline Merged plain_merge_rows(Merged const& merged, Matching const& matching) {
  auto const& [x, sizes] = merged;
  Tensor const sums = merge(x * sizes, matching), left = merge(sizes, matching);
  return {sums / left, left};
}

}  // namespace detail

/// Token merging (ToMe, Bolya et al. 2023) repeated until `target` tokens are left, each the
/// weighted mean of what it holds; at most half of what is left is merged in a round. The
/// similarity is that of the features averaged over attention heads; the choice carries no
/// gradient. Upstream: `ToMe16_mlp_hd64.merge_tokens`.
/// \param x [batch, tokens, heads * head_dim]  \return [batch, target, heads * head_dim]
inline Tensor merge_tokens(Tensor const& x, std::int64_t target, std::int64_t heads) {
  bool const fast = takes_merge_rows(x);
  auto const options = fast ? x.options().dtype(at::kFloat) : x.options();
  Tensor const sizes = aten::full({x.size(0), x.size(1), 1}, 1, options);
  Merged merged{fast ? x.contiguous() : x, sizes};
  while (merged.tokens.size(1) > target) {
    std::int64_t const tokens = merged.tokens.size(1);
    auto const matching = [&] {
      at::NoGradGuard const no_grad;
      Tensor const unit =
          fast ? head_means(merged.tokens, heads) : detail::plain_head_means(merged.tokens, heads);
      return detail::match(unit, std::min(tokens - target, tokens / 2));
    }();
    merged = fast ? merge_rows(merged, matching) : detail::plain_merge_rows(merged, matching);
  }
  return merged.tokens;
}

}  // namespace vcflash::kernels
