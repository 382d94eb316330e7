#pragma once

#include <vcflash/tensor/parameter_list.hpp>

#include <c10/core/Device.h>
#include <c10/core/ScalarType.h>

#include <cstdint>

/// Where a model's parameters are, in which type, and whether they are trained.
namespace vcflash {

/// Moves every parameter to `device`.
template <class Model>
void move_to(Model& model, at::Device device) {
  for (auto const& p : parameters_of(model)) *p.value = p.value->detach().to(device);
}

/// Converts every parameter to `dtype` that has none of its own.
template <class Model>
void convert_to(Model& model, at::ScalarType dtype) {
  for (auto const& p : parameters_of(model)) *p.value = p.value->detach().to(p.dtype_in(dtype));
}

/// Marks every parameter that may be trained as trained or not, and the others as not. No autograd
/// graph is built for what is not.
template <class Model>
void set_trained(Model& model, bool trained) {
  for (auto const& p : parameters_of(model)) p.value->requires_grad_(trained && p.trainable);
}

/// Bytes that the parameters of a model occupy now.
template <class Model>
std::int64_t parameter_bytes(Model& model) {
  std::int64_t bytes = 0;
  for (auto const& p : parameters_of(model)) {
    if (p.value->defined()) bytes += static_cast<std::int64_t>(p.value->nbytes());
  }
  return bytes;
}

}  // namespace vcflash
