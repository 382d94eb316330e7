#pragma once

#include <vcflash/kernels/cpu/swiglu.hpp>
#include <vcflash/kernels/swiglu.hpp>
#include <vcflash/tensor/aten.hpp>

#include <utility>

namespace vcflash::kernels {

// By value, as a body of it may write there.
// NOLINTNEXTLINE(performance-unnecessary-value-param)
VCFLASH_INLINE Tensor plain::swiglu(Tensor gate, Tensor const& up) { return aten::silu(gate) * up; }

VCFLASH_INLINE SwigluOperation const& operations::swiglu() {
  static SwigluOperation const operation{"swiglu", plain::swiglu, {&cpu::swiglu_path()}};
  return operation;
}

VCFLASH_INLINE Tensor swiglu(Tensor gate, Tensor const& up) {
  return operations::swiglu()(std::move(gate), up);
}

}  // namespace vcflash::kernels
