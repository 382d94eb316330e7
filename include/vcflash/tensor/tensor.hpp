#pragma once

// Only the operators that a header names are compiled: 5 s a translation unit instead of 10.
#ifndef AT_PER_OPERATOR_HEADERS
#define AT_PER_OPERATOR_HEADERS
#endif

#include <ATen/TensorOperators.h>
#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>

namespace vcflash {

using Tensor = at::Tensor;

/// A tensor on `device`. Its copy is queued there behind earlier work, which the caller does not
/// wait for.
inline Tensor sent_to(Tensor const& tensor, at::Device device) {
  return tensor.to(device, tensor.scalar_type(), /*non_blocking=*/true);
}

/// `[2, 784, 48]`, for messages.
inline std::string to_string(at::IntArrayRef shape) {
  std::string text = "[";
  for (std::size_t i = 0; i < shape.size(); ++i) {
    if (i) text += ", ";
    text += std::to_string(shape[i]);
  }
  return text + "]";
}

}  // namespace vcflash
