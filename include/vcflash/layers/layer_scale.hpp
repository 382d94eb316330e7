#pragma once

#include <vcflash/kernels/dispatch.hpp>
#include <vcflash/layers/norm.hpp>
#include <vcflash/tensor/aten.hpp>
#include <vcflash/tensor/parameter.hpp>

#include <cstdint>

namespace vcflash {

/// A gain of its own for each channel of a residual branch (Touvron et al. 2021), applied in fp32
/// whatever the input's dtype.
/// \param x [..., Width]  \return same shape and dtype as x
template <std::int64_t Width, Epsilon start>
struct LayerScale {
  struct Gain : Parameter<Role::weight, Width> {
    static Tensor initial() { return aten::full({Width}, start.value, at::kFloat); }
  };
  BOOST_HANA_DEFINE_STRUCT(LayerScale, (Gain, weight));

  Tensor operator()(Tensor const& x) const {
    // The product of two bf16 numbers is rounded once either way, the sums of its gradient are not.
    if (!kernels::learns(x, weight.value)) return (x * weight.value).to(x.scalar_type());
    return (x.to(at::kFloat) * weight.value.to(at::kFloat)).to(x.scalar_type());
  }
};

}  // namespace vcflash
