#pragma once

#include <vcflash/kernels/swiglu.hpp>
#include <vcflash/layers/linear.hpp>
#include <vcflash/layers/parts.hpp>
#include <vcflash/meta/reflect.hpp>
#include <vcflash/tensor/aten.hpp>

#include <cstdint>
#include <tuple>

namespace vcflash {

/// Gaussian error linear unit (exact, by erf), with a place of its own in numbered layers.
struct Gelu {
  BOOST_HANA_DEFINE_STRUCT(Gelu);
  Tensor operator()(Tensor const& x) const { return aten::gelu(x); }
};

/// Linear, GELU, Linear with the keys of a vision transformer's MLP.
/// \param x [..., Width]  \return [..., Width]
template <std::int64_t Width, std::int64_t Inner, class P = PlainParts>
struct GeluMlp {
  using Up = typename P::template Linear<Site::up, Width, Inner>;
  using Down = typename P::template Linear<Site::down, Inner, Width>;
  BOOST_HANA_DEFINE_STRUCT(GeluMlp, (Up, fc1), (Down, fc2));

  Tensor operator()(Tensor const& x) const { return fc2(aten::gelu(fc1(x))); }
};

namespace detail {
/// `Linear<Out, Out>` behind a GELU, `Times` times.
template <class First, class Rest, std::int64_t Times>
struct ProjectorLayers;
template <class... Layers, class Rest>
struct ProjectorLayers<Numbered<Layers...>, Rest, 0> {
  using type = Numbered<Layers...>;
};
template <class... Layers, class Rest, std::int64_t Times>
struct ProjectorLayers<Numbered<Layers...>, Rest, Times>
    : ProjectorLayers<Numbered<Layers..., Gelu, Rest>, Rest, Times - 1> {};
}  // namespace detail

/// Linear to another width, then GELU and Linear `Depth - 1` times, numbered as the children of
/// `nn.Sequential`: LLaVA's `mlpNx_gelu`.
/// \param x [..., In]  \return [..., Out]
template <std::int64_t In, std::int64_t Out, std::int64_t Depth = 2>
struct GeluProjector
    : detail::ProjectorLayers<Numbered<Linear<In, Out>>, Linear<Out, Out>, Depth - 1>::type {
  static_assert(Depth >= 1, "an MLP has a layer");

  Tensor operator()(Tensor x) const {
    std::apply([&](auto const&... layer) { ((x = layer(x)), ...); }, this->layers);
    return x;
  }
};

/// Gated MLP of Llama and Qwen (Shazeer 2020): down(silu(gate(x)) * up(x)).
/// \param x [..., Width]  \return [..., Width]
template <std::int64_t Width, std::int64_t Inner, class P = PlainParts>
struct SwiGlu {
  using Gate = typename P::template Linear<Site::gate, Width, Inner, false>;
  using Up = typename P::template Linear<Site::up, Width, Inner, false>;
  using Down = typename P::template Linear<Site::down, Inner, Width, false>;
  BOOST_HANA_DEFINE_STRUCT(SwiGlu, (Gate, gate_proj), (Up, up_proj), (Down, down_proj));

  Tensor operator()(Tensor const& x) const {
    return down_proj(kernels::swiglu(gate_proj(x), up_proj(x)));
  }
};

}  // namespace vcflash
