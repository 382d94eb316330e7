#pragma once

#include <vcflash/kernels/cpu/merge_rows.hpp>
#include <vcflash/kernels/merge_rows.hpp>
#include <vcflash/kernels/token_merging.hpp>
#include <vcflash/tensor/aten.hpp>

namespace vcflash::kernels {

VCFLASH_INLINE Tensor plain::merge_tokens(Tensor const& x, std::int64_t target,
                                          std::int64_t heads) {
  Tensor const sizes = aten::full({x.size(0), x.size(1), 1}, 1, x.options());
  return merge_in_rounds({x, sizes}, target, heads, head_means, merge_rows);
}

VCFLASH_INLINE MergeTokensOperation const& operations::merge_tokens() {
  static MergeTokensOperation const operation{
      "merge_tokens", plain::merge_tokens, {&cpu::merge_tokens_path()}};
  return operation;
}

VCFLASH_INLINE Tensor merge_tokens(Tensor const& x, std::int64_t target, std::int64_t heads) {
  return operations::merge_tokens()(x, target, heads);
}

}  // namespace vcflash::kernels
