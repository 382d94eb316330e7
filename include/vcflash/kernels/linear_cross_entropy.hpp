#pragma once

#include <vcflash/meta/separate.hpp>
#include <vcflash/tensor/tensor.hpp>

#include <cstdint>

namespace vcflash::kernels {

/// The cross entropy of an output layer's logits, of which only `most_rows` rows exist at a time;
/// in fp32, as `cross_entropy(linear(states, table), labels)`, for one backward pass.
/// \param states [tokens, hidden]  \param table [vocabulary, hidden]
/// \param labels [tokens] int64, all of them counted
/// \return scalar fp32; NaN if there is no label
Tensor linear_cross_entropy(Tensor const& states, Tensor const& table, Tensor const& labels,
                            std::int64_t most_rows = 1024);

}  // namespace vcflash::kernels

#ifndef VCFLASH_SEPARATE
#include <vcflash/kernels/linear_cross_entropy.ipp>
#endif
