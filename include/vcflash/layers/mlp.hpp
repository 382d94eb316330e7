#pragma once

#include <vcflash/kernels/swiglu.hpp>
#include <vcflash/layers/linear.hpp>
#include <vcflash/tensor/aten.hpp>

#include <cstdint>

namespace vcflash {

/// Gaussian error linear unit (exact, by erf), with a place of its own in numbered layers.
struct Gelu {
  BOOST_HANA_DEFINE_STRUCT(Gelu);
  Tensor operator()(Tensor const& x) const { return aten::gelu(x); }
};

/// Linear, GELU, Linear with the keys of a vision transformer's MLP.
/// \param x [..., Width]  \return [..., Width]
template <std::int64_t Width, std::int64_t Inner>
struct GeluMlp {
  using Up = Linear<Width, Inner>;
  using Down = Linear<Inner, Width>;
  BOOST_HANA_DEFINE_STRUCT(GeluMlp, (Up, fc1), (Down, fc2));

  Tensor operator()(Tensor const& x) const { return fc2(aten::gelu(fc1(x))); }
};

/// Gated MLP of Llama and Qwen2 (Shazeer 2020): down(silu(gate(x)) * up(x)).
/// \param x [..., Width]  \return [..., Width]
template <std::int64_t Width, std::int64_t Inner>
struct SwiGlu {
  using Up = Linear<Width, Inner, false>;
  using Down = Linear<Inner, Width, false>;
  BOOST_HANA_DEFINE_STRUCT(SwiGlu, (Up, gate_proj), (Up, up_proj), (Down, down_proj));

  Tensor operator()(Tensor const& x) const {
    return down_proj(kernels::swiglu(gate_proj(x), up_proj(x)));
  }
};

}  // namespace vcflash
