#pragma once

#include <vcflash/meta/reflect.hpp>
#include <vcflash/tensor/parameter.hpp>

#include <c10/core/Device.h>
#include <c10/core/ScalarType.h>

#include <cstdint>

/// Where a model's parameters are, in which type, and whether they are trained.
namespace vcflash {

/// Moves every parameter to `device`.
template <class Model>
void move_to(Model& model, at::Device device) {
  for_each_parameter(model, [&](auto const&, auto& p) { p.value = p.value.detach().to(device); });
}

/// Converts every parameter to `dtype`.
template <class Model>
void convert_to(Model& model, at::ScalarType dtype) {
  for_each_parameter(model, [&](auto const&, auto& p) { p.value = p.value.detach().to(dtype); });
}

/// Marks every parameter as trained or frozen. No autograd graph is built for frozen ones.
template <class Model>
void set_trained(Model& model, bool trained) {
  for_each_parameter(model, [&](auto const&, auto& p) { p.value.requires_grad_(trained); });
}

/// Bytes that the parameters of a model occupy now.
template <class Model>
std::int64_t parameter_bytes(Model const& model) {
  std::int64_t bytes = 0;
  for_each_parameter(model, [&](auto const&, auto const& p) {
    if (p.value.defined()) bytes += static_cast<std::int64_t>(p.value.nbytes());
  });
  return bytes;
}

}  // namespace vcflash
