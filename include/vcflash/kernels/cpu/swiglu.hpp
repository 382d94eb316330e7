#pragma once

#include <vcflash/kernels/dispatch.hpp>
#include <vcflash/meta/separate.hpp>
#include <vcflash/tensor/tensor.hpp>

namespace vcflash::kernels::cpu {

using SwigluPath = FastPath<Tensor(Tensor, Tensor const&)>;

/// Of dense bf16, into the gate's memory. Rounds where the plain definition does.
SwigluPath& swiglu_path();

}  // namespace vcflash::kernels::cpu

#ifndef VCFLASH_SEPARATE
#include <vcflash/kernels/cpu/swiglu.ipp>
#endif
