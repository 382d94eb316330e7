#pragma once

#include <vcflash/kernels/dispatch.hpp>
#include <vcflash/kernels/merge_rows.hpp>
#include <vcflash/meta/separate.hpp>
#include <vcflash/tensor/tensor.hpp>

#include <cstdint>

namespace vcflash::kernels::cpu {

/// `plain::head_means` of dense bf16, rounded where that rounds.
Tensor head_means(Tensor const& x, std::int64_t heads);

/// `plain::merge_rows` of dense bf16 whose channels fill vectors; sums and sizes in fp32.
Merged merge_rows(Merged const& merged, Matching const& matching);

using MergeTokensPath = FastPath<Tensor(Tensor const&, std::int64_t, std::int64_t)>;

/// Of bf16 whose channels fill vectors, in rounds of the two.
MergeTokensPath& merge_tokens_path();

}  // namespace vcflash::kernels::cpu

#ifndef VCFLASH_SEPARATE
#include <vcflash/kernels/cpu/merge_rows.ipp>
#endif
