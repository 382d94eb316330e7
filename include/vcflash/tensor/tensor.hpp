#pragma once

// Only the operators that a header names are compiled.
#ifndef AT_PER_OPERATOR_HEADERS
#define AT_PER_OPERATOR_HEADERS
#endif

#include <ATen/core/Tensor.h>

#include <concepts>
#include <cstddef>
#include <string>

/// LibTorch's arithmetic, without the 5 s a translation unit of `<ATen/TensorOperators.h>`. Where
/// that is included as well, its functions are chosen, since these are templates.
namespace at {

template <std::same_as<Tensor> T>
Tensor operator+(T const& a, T const& b) {
  return a.add(b);
}
template <std::same_as<Tensor> T>
Tensor operator+(T const& a, Scalar const& b) {
  return a.add(b);
}
template <std::same_as<Tensor> T>
Tensor operator-(T const& a, T const& b) {
  return a.sub(b);
}
template <std::same_as<Tensor> T>
Tensor operator-(T const& a, Scalar const& b) {
  return a.sub(b);
}
template <std::same_as<Tensor> T>
Tensor operator*(T const& a, T const& b) {
  return a.mul(b);
}
template <std::same_as<Tensor> T>
Tensor operator*(T const& a, Scalar const& b) {
  return a.mul(b);
}
template <std::same_as<Tensor> T>
Tensor operator/(T const& a, T const& b) {
  return a.div(b);
}
template <std::same_as<Tensor> T>
Tensor operator/(T const& a, Scalar const& b) {
  return a.div(b);
}
template <std::same_as<Tensor> T>
Tensor operator+(Scalar const& a, T const& b) {
  return b.add(a);
}
template <std::same_as<Tensor> T>
Tensor operator-(Scalar const& a, T const& b) {
  return b.neg().add(a);
}
template <std::same_as<Tensor> T>
Tensor operator*(Scalar const& a, T const& b) {
  return b.mul(a);
}

}  // namespace at

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
