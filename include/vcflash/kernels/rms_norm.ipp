#pragma once

#include <vcflash/kernels/cpu/rms_norm.hpp>
#include <vcflash/kernels/rms_norm.hpp>
#include <vcflash/tensor/aten.hpp>

namespace vcflash::kernels {

VCFLASH_INLINE Tensor plain::rms_norm(Tensor const& x, Tensor const& weight, double epsilon) {
  Tensor const wide = x.to(at::kFloat);
  Tensor const scale = wide.square().mean({-1}, /*keepdim=*/true).add_(epsilon).rsqrt_();
  return (wide * scale).to(x.scalar_type()) * weight;
}

VCFLASH_INLINE RmsNormOperation const& operations::rms_norm() {
  static RmsNormOperation const operation{"rms_norm", plain::rms_norm, {&cpu::rms_norm_path()}};
  return operation;
}

VCFLASH_INLINE Tensor rms_norm(Tensor const& x, Tensor const& weight, double epsilon) {
  return operations::rms_norm()(x, weight, epsilon);
}

}  // namespace vcflash::kernels
