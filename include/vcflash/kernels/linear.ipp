#pragma once

#include <vcflash/kernels/cpu/linear.hpp>
#include <vcflash/kernels/linear.hpp>
#include <vcflash/tensor/aten.hpp>

namespace vcflash::kernels {

VCFLASH_INLINE Tensor plain::linear(Tensor const& x, Tensor const& weight, Tensor const& bias) {
  return bias.defined() ? aten::linear(x, weight, bias) : aten::linear(x, weight);
}

VCFLASH_INLINE LinearOperation const& operations::linear() {
  static LinearOperation const operation{"linear", plain::linear, {&cpu::linear_path()}};
  return operation;
}

VCFLASH_INLINE Tensor linear(Tensor const& x, Tensor const& weight, Tensor const& bias) {
  return operations::linear()(x, weight, bias);
}

}  // namespace vcflash::kernels
