#pragma once

#include <vcflash/meta/separate.hpp>
#include <vcflash/tensor/tensor.hpp>

#include <cstdint>

namespace vcflash::kernels {

/// So many rows of bf16, those of a step of decoding, are multiplied by reading the weights once
/// from end to end, at the memory's speed. A row's products are the same bits alone and beside
/// another.
inline constexpr std::int64_t few_rows = 2;

/// y = x W^T (+ b)
/// \param x [..., in]  \param weight [out, in]  \param bias [out]; none if undefined
/// \return [..., out]
Tensor linear(Tensor const& x, Tensor const& weight, Tensor const& bias = {});

}  // namespace vcflash::kernels

#ifndef VCFLASH_SEPARATE
#include <vcflash/kernels/linear.ipp>
#endif
