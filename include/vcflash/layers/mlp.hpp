#pragma once

#include <vcflash/kernels/swiglu.hpp>
#include <vcflash/layers/linear.hpp>
#include <vcflash/layers/norm.hpp>
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

/// Its approximation by tanh (Hendrycks & Gimpel 2016); transformers' `gelu_pytorch_tanh`.
struct TanhGelu {
  BOOST_HANA_DEFINE_STRUCT(TanhGelu);
  Tensor operator()(Tensor const& x) const { return aten::gelu_tanh(x); }
};

/// Its approximation by the logistic function, x sigmoid(1.702 x); transformers' `quick_gelu`.
struct QuickGelu {
  BOOST_HANA_DEFINE_STRUCT(QuickGelu);
  Tensor operator()(Tensor const& x) const { return x * (x * 1.702).sigmoid(); }
};

/// Linear, GELU, Linear with the keys of a vision transformer's MLP.
/// \tparam Activation `Gelu` or one of its approximations
/// \param x [..., Width]  \return [..., Width]
template <std::int64_t Width, std::int64_t Inner, class P = PlainParts, class Activation = Gelu>
struct GeluMlp {
  using Up = typename P::template Linear<Site::up, Width, Inner>;
  using Down = typename P::template Linear<Site::down, Inner, Width>;
  BOOST_HANA_DEFINE_STRUCT(GeluMlp, (Up, fc1), (Down, fc2));

  Tensor operator()(Tensor const& x) const { return fc2(Activation{}(fc1(x))); }
};

namespace detail {
/// Numbered layers with `Added...` behind them, `Times` times.
template <class Layers, std::int64_t Times, class... Added>
struct Repeated;
template <class... Layers, class... Added>
struct Repeated<Numbered<Layers...>, 0, Added...> {
  using type = Numbered<Layers...>;
};
template <class... Layers, std::int64_t Times, class... Added>
struct Repeated<Numbered<Layers...>, Times, Added...>
    : Repeated<Numbered<Layers..., Added...>, Times - 1, Added...> {};
}  // namespace detail

template <std::int64_t Width>
struct ResidualGelu;

/// Linear to another width, then GELU and Linear `Depth - 1` times, then `Blocks` residual blocks,
/// numbered as the children of `nn.Sequential`: LLaVA's `mlpNx_gelu` and `mlpNx_resMx_gelu`.
/// \param x [..., In]  \return [..., Out]
template <std::int64_t In, std::int64_t Out, std::int64_t Depth = 2, std::int64_t Blocks = 0>
struct GeluProjector
    : detail::Repeated<typename detail::Repeated<Numbered<Linear<In, Out>>, Depth - 1, Gelu,
                                                 Linear<Out, Out>>::type,
                       Blocks, ResidualGelu<Out>>::type {
  static_assert(Depth >= 1, "an MLP has a layer");

  Tensor operator()(Tensor x) const {
    std::apply([&](auto const&... layer) { ((x = layer(x)), ...); }, this->layers);
    return x;
  }
};

/// Adds Linear, GELU, Linear to what it normalizes first: LLaVA's `SimpleResBlock`.
/// \param x [..., Width]  \return [..., Width]
template <std::int64_t Width>
struct ResidualGelu {
  using Norm = LayerNorm<Width, 1e-5>;
  using Branch = GeluProjector<Width, Width>;
  BOOST_HANA_DEFINE_STRUCT(ResidualGelu, (Norm, pre_norm), (Branch, proj));

  Tensor operator()(Tensor const& x) const {
    Tensor const normalized = pre_norm(x);
    return normalized + proj(normalized);
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
