#pragma once

#include <vcflash/kernels/dispatch.hpp>
#include <vcflash/meta/separate.hpp>
#include <vcflash/tensor/tensor.hpp>

#include <cstdint>

namespace vcflash::kernels {

/// Token merging (ToMe, Bolya et al. 2023) repeated until `target` tokens are left, each the
/// weighted mean of what it holds; at most half of what is left is merged in a round. The
/// similarity is that of the features averaged over attention heads; the choice carries no
/// gradient. Upstream: `ToMe16_mlp_hd64.merge_tokens`.
/// \param x [batch, tokens, heads * head_dim]
/// \return [batch, target, heads * head_dim]
Tensor merge_tokens(Tensor const& x, std::int64_t target, std::int64_t heads);

namespace plain {
Tensor merge_tokens(Tensor const& x, std::int64_t target, std::int64_t heads);
}

using MergeTokensOperation = Operation<Tensor(Tensor const&, std::int64_t, std::int64_t)>;
namespace operations {
MergeTokensOperation const& merge_tokens();
}

}  // namespace vcflash::kernels

#ifndef VCFLASH_SEPARATE
#include <vcflash/kernels/token_merging.ipp>
#endif
