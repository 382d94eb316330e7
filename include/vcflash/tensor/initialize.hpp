#pragma once

#include <vcflash/tensor/aten.hpp>
#include <vcflash/tensor/parameter_list.hpp>

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/core/grad_mode.h>

#include <cstdint>

namespace vcflash {

/// Standard deviations of freshly drawn parameters; gains start at one and biases at zero.
struct InitialDeviation {
  double weight = 0.02;
  double embedding = 0.02;
};

/// Gives every parameter of `model` its own memory with undefined content, in fp32 or its own
/// dtype.
template <class Model>
void allocate(Model& model) {
  for (auto const& parameter : parameters_of(model))
    *parameter.value = aten::empty(parameter.shape, parameter.dtype_in(at::kFloat));
}

/// Draws a parameter on the CPU, in fp32 or its own dtype.
inline void initialize(ParameterRef const& parameter, InitialDeviation deviation,
                       at::Generator& generator) {
  Tensor& value = *parameter.value;
  value = aten::empty(parameter.shape);
  if (parameter.initial) {
    value.copy_(parameter.initial(generator));
    if (parameter.dtype) value = value.to(*parameter.dtype);
    return;
  }
  switch (parameter.role) {
    case Role::weight:
      value.normal_(0.0, deviation.weight, generator);
      break;
    case Role::embedding:
      value.normal_(0.0, deviation.embedding, generator);
      break;
    case Role::bias:
      value.zero_();
      break;
    case Role::layer_norm:
    case Role::rms_norm:
      value.fill_(1.0);
      break;
  }
  if (parameter.dtype) value = value.to(*parameter.dtype);
}

/// Draws every parameter of `model` in fp32 on the CPU, the same for the same `seed`. A parameter
/// whose type has a function `initial()` starts with what it returns.
template <class Model>
void initialize(Model& model, InitialDeviation deviation, std::uint64_t seed) {
  at::NoGradGuard const no_grad;
  at::Generator generator = at::detail::createCPUGenerator(seed);
  for (auto const& parameter : parameters_of(model)) initialize(parameter, deviation, generator);
}

}  // namespace vcflash
