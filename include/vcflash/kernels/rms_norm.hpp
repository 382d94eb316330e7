#pragma once

#include <vcflash/kernels/dispatch.hpp>
#include <vcflash/meta/separate.hpp>
#include <vcflash/tensor/tensor.hpp>

namespace vcflash::kernels {

/// x / sqrt(mean(x^2) + epsilon) * weight over the last dimension; the mean in fp32 and the
/// product in x's own type, as Qwen2 does.
/// \param x [..., width]
/// \param weight [width]
/// \return same shape and dtype as x
Tensor rms_norm(Tensor const& x, Tensor const& weight, double epsilon);

namespace plain {
Tensor rms_norm(Tensor const& x, Tensor const& weight, double epsilon);
}

using RmsNormOperation = Operation<Tensor(Tensor const&, Tensor const&, double)>;
namespace operations {
RmsNormOperation const& rms_norm();
}

}  // namespace vcflash::kernels

#ifndef VCFLASH_SEPARATE
#include <vcflash/kernels/rms_norm.ipp>
#endif
