#pragma once

#include <vcflash/meta/separate.hpp>
#include <vcflash/tensor/tensor.hpp>

#include <functional>

namespace vcflash::kernels {

/// `x` itself, whose gradient does something when it passes.
/// \param x any shape; it must require gradients
/// \param action is done before the gradient goes on  \return a view of `x`
Tensor on_gradient(Tensor const& x, std::function<void()> action);

}  // namespace vcflash::kernels

#ifndef VCFLASH_SEPARATE
#include <vcflash/kernels/on_gradient.ipp>
#endif
