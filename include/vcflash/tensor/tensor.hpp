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
