#pragma once

#include <vcflash/kernels/cpu/norm.hpp>
#include <vcflash/kernels/norm.hpp>
#include <vcflash/tensor/aten.hpp>

namespace vcflash::kernels {

VCFLASH_INLINE Tensor plain::norm(Tensor const& x) { return aten::vector_norm(x, at::kFloat); }

VCFLASH_INLINE NormOperation const& operations::norm() {
  static NormOperation const operation{"norm", plain::norm, {&cpu::norm_path()}};
  return operation;
}

VCFLASH_INLINE Tensor norm(Tensor const& x) { return operations::norm()(x); }

}  // namespace vcflash::kernels
