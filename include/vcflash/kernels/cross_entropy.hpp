#pragma once

#include <vcflash/tensor/aten.hpp>
#include <vcflash/tensor/tensor.hpp>

namespace vcflash::kernels {

/// Mean negative log likelihood of the labels, in fp32.
/// \param logits [tokens, vocabulary]  \param labels [tokens] int64, all of them counted
/// \return scalar; NaN if there is no label
inline Tensor cross_entropy(Tensor const& logits, Tensor const& labels) {
  return aten::cross_entropy_loss(logits.to(at::kFloat), labels);
}

}  // namespace vcflash::kernels
