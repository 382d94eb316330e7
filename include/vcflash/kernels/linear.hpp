#pragma once

#include <vcflash/kernels/dispatch.hpp>
#include <vcflash/meta/separate.hpp>
#include <vcflash/tensor/tensor.hpp>

namespace vcflash::kernels {

/// y = x W^T (+ b)
/// \param x [..., in]
/// \param weight [out, in]
/// \param bias [out]; none if undefined
/// \return [..., out]
Tensor linear(Tensor const& x, Tensor const& weight, Tensor const& bias = {});

namespace plain {
Tensor linear(Tensor const& x, Tensor const& weight, Tensor const& bias);
}

using LinearOperation = Operation<Tensor(Tensor const&, Tensor const&, Tensor const&)>;
namespace operations {
LinearOperation const& linear();
}

}  // namespace vcflash::kernels

#ifndef VCFLASH_SEPARATE
#include <vcflash/kernels/linear.ipp>
#endif
