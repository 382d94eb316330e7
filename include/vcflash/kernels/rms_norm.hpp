#pragma once

#include <vcflash/tensor/tensor.hpp>

namespace vcflash::kernels {

/// x / sqrt(mean(x^2) + epsilon) * weight over the last dimension; the mean in fp32 and the
/// product in x's own type, as Qwen2 does.
/// \param x [..., width]  \param weight [width]  \return same shape and dtype as x
inline Tensor rms_norm(Tensor const& x, Tensor const& weight, double epsilon) {
  Tensor const wide = x.to(at::kFloat);
  Tensor const scale = wide.square().mean({-1}, /*keepdim=*/true).add_(epsilon).rsqrt_();
  return (wide * scale).to(x.scalar_type()) * weight;
}

}  // namespace vcflash::kernels
