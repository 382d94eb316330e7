#pragma once

#include <vcflash/kernels/dispatch.hpp>
#include <vcflash/meta/separate.hpp>
#include <vcflash/tensor/tensor.hpp>

namespace vcflash::kernels {

/// silu(gate) * up (Shazeer 2020)
/// \param gate [...]; nobody else's, as its memory may become the result's
/// \param up same shape
/// \return same shape
Tensor swiglu(Tensor gate, Tensor const& up);

namespace plain {
Tensor swiglu(Tensor gate, Tensor const& up);
}

using SwigluOperation = Operation<Tensor(Tensor, Tensor const&)>;
namespace operations {
SwigluOperation const& swiglu();
}

}  // namespace vcflash::kernels

#ifndef VCFLASH_SEPARATE
#include <vcflash/kernels/swiglu.ipp>
#endif
