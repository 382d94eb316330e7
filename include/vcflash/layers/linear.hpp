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

  /// [Out, In]; a layer that stands for this one may lack it.
  Tensor const& table() const { return weight; }

  Tensor operator()(Tensor const& x) const {
    if constexpr (Biased) {
      return kernels::linear(x, weight, bias.value);
    } else {
      return kernels::linear(x, weight);
    }
  }

  /// With a bias that somebody else keeps.  \param other_bias [Out]
  Tensor operator()(Tensor const& x, Tensor const& other_bias) const requires(!Biased) {
    return kernels::linear(x, weight, other_bias);
  }
};

}  // namespace vcflash
