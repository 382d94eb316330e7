#pragma once

#include <vcflash/meta/separate.hpp>
#include <vcflash/tensor/tensor.hpp>

#include <cstdint>

namespace vcflash::kernels {

/// One round of bipartite soft matching: which of the even tokens go into which odd ones.
struct Matching {
  Tensor kept;         ///< [batch, even - merged] int64, the even tokens that stay
  Tensor source;       ///< [batch, merged], the even tokens that are merged
  Tensor destination;  ///< [batch, merged], the odd tokens they go into
};

/// Tokens, and how many each is the mean of.
struct Merged {
  Tensor tokens;  ///< [batch, tokens, channels]
  Tensor sizes;   ///< [batch, tokens, 1]
};

/// Whether `head_means` and `merge_rows` take these tokens if they are dense: bf16 on a processor
/// with AVX-512, and without gradients.  \param x [batch, tokens, channels]
bool takes_merge_rows(Tensor const& x);

/// The mean over heads, as long as one.
/// \param x [batch, tokens, heads * head_dim]  \return [batch, tokens, head_dim]
Tensor head_means(Tensor const& x, std::int64_t heads);

/// Kept even tokens first, then all odd ones as means of what went into them; sums in fp32.
/// \param merged of which the sizes are fp32
Merged merge_rows(Merged const& merged, Matching const& matching);

}  // namespace vcflash::kernels

#ifndef VCFLASH_SEPARATE
#include <vcflash/kernels/merge_rows.ipp>
#endif
