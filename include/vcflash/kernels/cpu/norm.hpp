#pragma once

#include <vcflash/kernels/dispatch.hpp>
#include <vcflash/meta/separate.hpp>
#include <vcflash/tensor/tensor.hpp>

namespace vcflash::kernels::cpu {

using NormPath = FastPath<Tensor(Tensor const&)>;

/// Of dense bf16.
NormPath& norm_path();

}  // namespace vcflash::kernels::cpu

#ifndef VCFLASH_SEPARATE
#include <vcflash/kernels/cpu/norm.ipp>
#endif
