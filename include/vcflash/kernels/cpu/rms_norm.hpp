#pragma once

#include <vcflash/kernels/dispatch.hpp>
#include <vcflash/meta/separate.hpp>
#include <vcflash/tensor/tensor.hpp>

namespace vcflash::kernels::cpu {

using RmsNormPath = FastPath<Tensor(Tensor const&, Tensor const&, double)>;

/// Of bf16 rows that lie equally far apart. Rounds where the plain definition does.
RmsNormPath& rms_norm_path();

}  // namespace vcflash::kernels::cpu

#ifndef VCFLASH_SEPARATE
#include <vcflash/kernels/cpu/rms_norm.ipp>
#endif
