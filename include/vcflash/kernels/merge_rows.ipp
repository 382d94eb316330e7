#pragma once

#include <vcflash/kernels/cuda/add_rows.hpp>
#include <vcflash/kernels/merge_rows.hpp>
#include <vcflash/tensor/aten.hpp>

#include <ATen/core/grad_mode.h>

#include <algorithm>
#include <optional>
#include <tuple>
#include <utility>

namespace vcflash::kernels {

namespace detail {

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

/// Adds merged tokens into their destinations: kept even tokens first, then all odd ones.
/// \param x [batch, tokens, channels]
/// \return [batch, tokens - merged, channels]
inline Tensor merge(Tensor const& x, Matching const& matching) {
  Tensor const odd = x.slice(1, 1, std::nullopt, 2);
  Tensor const all = add_rows(odd, even_tokens(x, matching.source), matching.destination);
  if (matching.kept.size(1) == 0) return all;
  return aten::cat({even_tokens(x, matching.kept), all}, 1);
}

}  // namespace detail

VCFLASH_INLINE Tensor plain::add_rows(Tensor const& x, Tensor const& moved,
                                      Tensor const& destination) {
  return x.scatter_add(1, destination.unsqueeze(-1).expand(moved.sizes()), moved);
}

VCFLASH_INLINE AddRowsOperation const& operations::add_rows() {
  static AddRowsOperation const operation{"add_rows", plain::add_rows, {&cuda::add_rows_path()}};
  return operation;
}

VCFLASH_INLINE Tensor add_rows(Tensor const& x, Tensor const& moved, Tensor const& destination) {
  return operations::add_rows()(x, moved, destination);
}

VCFLASH_INLINE Tensor plain::head_means(Tensor const& x, std::int64_t heads) {
  Tensor const mean = x.unflatten(2, {heads, x.size(2) / heads}).mean(2);
  return mean / mean.norm(2, {-1}, /*keepdim=*/true);
}

VCFLASH_INLINE Merged plain::merge_rows(Merged const& merged, Matching const& matching) {
  auto const& [x, sizes] = merged;
  Tensor const sums = detail::merge(x * sizes, matching), left = detail::merge(sizes, matching);
  return {sums / left, left};
}

VCFLASH_INLINE Tensor merge_in_rounds(Merged merged, std::int64_t target, std::int64_t heads,
                                      Tensor (*head_means)(Tensor const&, std::int64_t),
                                      Merged (*merge_rows)(Merged const&, Matching const&)) {
  while (merged.tokens.size(1) > target) {
    std::int64_t const tokens = merged.tokens.size(1);
    auto const matching = [&] {
      at::NoGradGuard const no_grad;
      return detail::match(head_means(merged.tokens, heads), std::min(tokens - target, tokens / 2));
    }();
    merged = merge_rows(merged, matching);
  }
  return std::move(merged.tokens);
}

}  // namespace vcflash::kernels
