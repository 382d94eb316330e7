#pragma once

#include <vcflash/kernels/dispatch.hpp>
#include <vcflash/meta/separate.hpp>
#include <vcflash/tensor/tensor.hpp>

namespace vcflash::kernels::cuda {

using AddRowsPath = FastPath<Tensor(Tensor const&, Tensor const&, Tensor const&)>;

/// A product with a matrix of zeros and ones, by LibTorch's operations. On a GPU it is as fast as
/// adding there in no certain order, and comes out the same every time.
AddRowsPath& add_rows_path();

}  // namespace vcflash::kernels::cuda

#ifndef VCFLASH_SEPARATE
#include <vcflash/kernels/cuda/add_rows.ipp>
#endif
