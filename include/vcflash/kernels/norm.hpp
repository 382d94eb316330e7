#pragma once

#include <vcflash/kernels/dispatch.hpp>
#include <vcflash/meta/separate.hpp>
#include <vcflash/tensor/tensor.hpp>

namespace vcflash::kernels {

/// The Euclidean norm of all numbers of a tensor, in fp32 whatever their type; the same bits with
/// any number of threads where it has a fast path.
/// \param x [...]
/// \return [] fp32
Tensor norm(Tensor const& x);

namespace plain {
Tensor norm(Tensor const& x);
}

using NormOperation = Operation<Tensor(Tensor const&)>;
namespace operations {
NormOperation const& norm();
}

}  // namespace vcflash::kernels

#ifndef VCFLASH_SEPARATE
#include <vcflash/kernels/norm.ipp>
#endif
