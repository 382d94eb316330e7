#pragma once

#include <vcflash/kernels/linear.hpp>
#include <vcflash/tensor/parameter.hpp>

#include <cstdint>
#include <type_traits>

namespace vcflash {

/// y = x W^T (+ b), with torch's layout of the weight.
/// \param x [..., In]  \return [..., Out]
template <std::int64_t In, std::int64_t Out, bool Biased = true>
struct Linear {
  using Bias = std::conditional_t<Biased, Parameter<Role::bias, Out>, Absent>;
  using Weight = Parameter<Role::weight, Out, In>;
  BOOST_HANA_DEFINE_STRUCT(Linear, (Weight, weight), (Bias, bias));

  Tensor operator()(Tensor const& x) const {
    if constexpr (Biased) {
      return kernels::linear(x, weight, bias.value);
    } else {
      return kernels::linear(x, weight);
    }
  }
};

}  // namespace vcflash
