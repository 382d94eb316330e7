#pragma once

#include <vcflash/kernels/attention.hpp>
#include <vcflash/layers/mlp.hpp>
#include <vcflash/layers/norm.hpp>
#include <vcflash/layers/parts.hpp>

#include <array>
#include <cstddef>
#include <cstdint>

/// What the image encoders CLIP and SigLIP are built of, under transformers' keys.
namespace vcflash {

/// Self-attention with biases on all of its maps.
template <std::int64_t Width, std::int64_t Heads, class P = PlainParts>
struct ClipAttention {
  using Query = typename P::template Linear<Site::query, Width, Width>;
  using Key = typename P::template Linear<Site::key, Width, Width>;
  using Value = typename P::template Linear<Site::value, Width, Width>;
  using Out = typename P::template Linear<Site::attention_output, Width, Width>;
  BOOST_HANA_DEFINE_STRUCT(ClipAttention, (Key, k_proj), (Value, v_proj), (Query, q_proj),
                           (Out, out_proj));

  /// \param x [batch, tokens, Width]  \return same shape
  Tensor operator()(Tensor const& x) const {
    auto const heads = [](Tensor const& part) {
      return part.unflatten(-1, {Heads, Width / Heads}).transpose(1, 2);
    };
    Tensor const attended =
        kernels::attention(heads(q_proj(x)), heads(k_proj(x)), heads(v_proj(x)), /*causal=*/false);
    return out_proj(attended.transpose(1, 2).flatten(2));
  }
};

/// One layer, which normalizes before attention and before the MLP.
/// \tparam C with `width`, `heads`, `intermediate`
template <auto C, class Activation, Epsilon epsilon, class P = PlainParts>
struct ClipLayer {
  using Attention = ClipAttention<C.width, C.heads, P>;
  using Norm = typename P::template LayerNorm<C.width, epsilon>;
  using Mlp = GeluMlp<C.width, C.intermediate, P, Activation>;
  BOOST_HANA_DEFINE_STRUCT(ClipLayer, (Attention, self_attn), (Norm, layer_norm1), (Mlp, mlp),
                           (Norm, layer_norm2));

  /// \param x [batch, tokens, width]  \return same shape
  Tensor operator()(Tensor const& x) const {
    Tensor const attended = x + self_attn(layer_norm1(x));
    return attended + mlp(layer_norm2(attended));
  }
};

/// The layers that are run.
/// \tparam C with `layers()`, how many
template <auto C, class Activation, Epsilon epsilon, class P = PlainParts>
struct ClipLayers {
  using Layers =
      std::array<ClipLayer<C, Activation, epsilon, P>, static_cast<std::size_t>(C.layers())>;
  BOOST_HANA_DEFINE_STRUCT(ClipLayers, (Layers, layers));

  /// \param x [batch, tokens, width]
  /// \param run how each layer is run
  /// \return same shape
  template <class Run>
  Tensor operator()(Tensor x, Run const& run) const {
    for (auto const& layer : layers) x = run(layer, x);
    return x;
  }
};

}  // namespace vcflash
