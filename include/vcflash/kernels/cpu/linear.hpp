#pragma once

#include <vcflash/kernels/dispatch.hpp>
#include <vcflash/meta/separate.hpp>
#include <vcflash/tensor/tensor.hpp>

#include <cstdint>

namespace vcflash::kernels::cpu {

using LinearPath = FastPath<Tensor(Tensor const&, Tensor const&, Tensor const&)>;

/// So many rows of bf16, those of a step of decoding, are multiplied by reading the weights once
/// from end to end, at the memory's speed. A row's products are the same bits alone and beside
/// another.
inline constexpr std::int64_t few_rows = 2;

LinearPath& linear_path();

}  // namespace vcflash::kernels::cpu

#ifndef VCFLASH_SEPARATE
#include <vcflash/kernels/cpu/linear.ipp>
#endif
