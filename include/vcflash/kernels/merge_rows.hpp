#pragma once

#include <vcflash/kernels/dispatch.hpp>
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

/// Adds rows into those they go into.
/// \param x [batch, rows, channels]
/// \param moved [batch, moved, channels]
/// \param destination [batch, moved] int64, rows of x
/// \return [batch, rows, channels]
Tensor add_rows(Tensor const& x, Tensor const& moved, Tensor const& destination);

namespace plain {

/// One after the other.
Tensor add_rows(Tensor const& x, Tensor const& moved, Tensor const& destination);

/// The mean over heads, as long as one.
/// \param x [batch, tokens, heads * head_dim]
/// \return [batch, tokens, head_dim]
Tensor head_means(Tensor const& x, std::int64_t heads);

/// Kept even tokens first, then all odd ones as means of what went into them.
Merged merge_rows(Merged const& merged, Matching const& matching);

}  // namespace plain

/// Matches and merges until `target` tokens are left, at most half of them in a round.
/// \param head_means as `plain::head_means`
/// \param merge_rows as `plain::merge_rows`
Tensor merge_in_rounds(Merged merged, std::int64_t target, std::int64_t heads,
                       Tensor (*head_means)(Tensor const&, std::int64_t),
                       Merged (*merge_rows)(Merged const&, Matching const&));

using AddRowsOperation = Operation<Tensor(Tensor const&, Tensor const&, Tensor const&)>;
namespace operations {
AddRowsOperation const& add_rows();
}

}  // namespace vcflash::kernels

#ifndef VCFLASH_SEPARATE
#include <vcflash/kernels/merge_rows.ipp>
#endif
