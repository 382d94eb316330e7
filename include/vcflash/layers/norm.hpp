#pragma once

#include <vcflash/kernels/rms_norm.hpp>
#include <vcflash/tensor/aten.hpp>
#include <vcflash/tensor/parameter.hpp>

#include <cstdint>

namespace vcflash {

/// A small positive number, as a template argument (clang 14 takes no bare floating ones).
struct Epsilon {
  double value;
  constexpr Epsilon(double v) : value(v) {}
};

/// Layer normalization over the last dimension (Ba et al. 2016).
/// \param x [..., Width]  \return same shape and dtype as x
template <std::int64_t Width, Epsilon epsilon>
struct LayerNorm {
  using Gain = Parameter<Role::layer_norm, Width>;
  using Bias = Parameter<Role::bias, Width>;
  BOOST_HANA_DEFINE_STRUCT(LayerNorm, (Gain, weight), (Bias, bias));

  Tensor operator()(Tensor const& x) const {
    return aten::layer_norm(x, weight.value, bias.value, epsilon.value);
  }
};

/// Root-mean-square normalization over the last dimension (Zhang & Sennrich 2019), its mean in
/// fp32 whatever the input's dtype, as Qwen2 does.
/// \param x [..., Width]  \return same shape and dtype as x
template <std::int64_t Width, Epsilon epsilon>
struct RmsNorm {
  using Gain = Parameter<Role::rms_norm, Width>;
  BOOST_HANA_DEFINE_STRUCT(RmsNorm, (Gain, weight));

  Tensor operator()(Tensor const& x) const { return kernels::rms_norm(x, weight, epsilon.value); }
};

}  // namespace vcflash
