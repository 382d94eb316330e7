#pragma once

#include <vcflash/kernels/attention.hpp>
#include <vcflash/kernels/rotary.hpp>
#include <vcflash/layers/embedding.hpp>
#include <vcflash/layers/key_value_cache.hpp>
#include <vcflash/layers/mlp.hpp>
#include <vcflash/layers/norm.hpp>
#include <vcflash/layers/run.hpp>
#include <vcflash/llms/language_model.hpp>

#include <ATen/ops/arange.h>

#include <array>
#include <cstdint>
#include <type_traits>

namespace vcflash {

/// Shape of a Qwen2 or Qwen2.5 decoder.
struct LlmConfig {
  Name name;
  std::int64_t hidden, layers, heads, kv_heads, intermediate, vocabulary;
  double rope_base = 1e6;
  double rms_epsilon = 1e-6;
  bool tied = false;  ///< the output layer is the embedding table
  std::int64_t max_positions = 32768;

  constexpr std::int64_t head_dim() const { return hidden / heads; }
};

/// What all layers of one pass share.
template <LlmConfig C>
struct DecoderContext {
  kernels::RotaryTable rotary;
  KeyValueCache<C.layers>* cache = nullptr;
};

/// Causal self-attention with rotary positions and grouped key/value heads.
template <LlmConfig C>
struct SelfAttention {
  using Query = Linear<C.hidden, C.heads * C.head_dim()>;
  using KeyValue = Linear<C.hidden, C.kv_heads * C.head_dim()>;
  using Output = Linear<C.heads * C.head_dim(), C.hidden, false>;
  BOOST_HANA_DEFINE_STRUCT(SelfAttention, (Query, q_proj), (KeyValue, k_proj), (KeyValue, v_proj),
                           (Output, o_proj));

  /// \param x [batch, tokens, hidden]  \param layer whose keys and values these are
  Tensor operator()(Tensor const& x, std::int64_t layer, DecoderContext<C> const& context) const {
    std::int64_t const batch = x.size(0), tokens = x.size(1);
    auto const split = [&](Tensor const& t, std::int64_t heads) {
      return t.view({batch, tokens, heads, C.head_dim()}).transpose(1, 2);
    };
    Tensor const query = kernels::rotate(split(q_proj(x), C.heads), context.rotary);
    Tensor key = kernels::rotate(split(k_proj(x), C.kv_heads), context.rotary);
    Tensor value = split(v_proj(x), C.kv_heads);
    if (context.cache) std::tie(key, value) = context.cache->append(layer, key, value);
    Tensor const mixed = kernels::attention(query, key, value, /*causal=*/true);
    return o_proj(mixed.transpose(1, 2).reshape({batch, tokens, C.heads * C.head_dim()}));
  }
};

template <LlmConfig C>
struct DecoderLayer {
  using Norm = RmsNorm<C.hidden, C.rms_epsilon>;
  using Attention = SelfAttention<C>;
  using Mlp = SwiGlu<C.hidden, C.intermediate>;
  BOOST_HANA_DEFINE_STRUCT(DecoderLayer, (Attention, self_attn), (Mlp, mlp),
                           (Norm, input_layernorm), (Norm, post_attention_layernorm));

  Tensor operator()(Tensor const& x, std::int64_t layer, DecoderContext<C> const& context) const {
    Tensor const attended = x + self_attn(input_layernorm(x), layer, context);
    return attended + mlp(post_attention_layernorm(attended));
  }
};

template <LlmConfig C>
struct Decoder {
  using Table = Embedding<C.vocabulary, C.hidden>;
  using Layers = std::array<DecoderLayer<C>, static_cast<std::size_t>(C.layers)>;
  using Norm = RmsNorm<C.hidden, C.rms_epsilon>;
  BOOST_HANA_DEFINE_STRUCT(Decoder, (Table, embed_tokens), (Layers, layers), (Norm, norm));
};

/// Qwen2 (Yang et al. 2024): pre-norm decoder, grouped-query attention with biases on queries,
/// keys and values only, SwiGLU, rotary positions.
template <LlmConfig C>
struct Qwen2 {
  static_assert(require<C.hidden % C.heads == 0,
                        Sentence{} << C.name << " has " << C.heads
                                   << " heads, which do not divide its width " << C.hidden>);
  static_assert(require<C.heads % C.kv_heads == 0, Sentence{} << C.name << " has " << C.heads
                                                              << " heads, which its " << C.kv_heads
                                                              << " key/value heads do not divide">);

  using Output = std::conditional_t<C.tied, Absent, Linear<C.hidden, C.vocabulary, false>>;
  BOOST_HANA_DEFINE_STRUCT(Qwen2, (Decoder<C>, model), (Output, lm_head));

  using Cache = KeyValueCache<C.layers>;
  static constexpr LlmConfig config = C;
  static constexpr Name name = C.name;
  static constexpr std::int64_t hidden = C.hidden;
  static constexpr std::int64_t vocabulary = C.vocabulary;

  /// [vocabulary, hidden]
  Tensor const& embedding_table() const { return model.embed_tokens.weight; }

  /// \param ids [...] int64  \return [..., hidden]
  Tensor embed(Tensor const& ids) const { return model.embed_tokens(ids); }

  /// The normalised output of the last layer. With a cache, the tokens continue those it holds.
  /// Padding to the right is never seen by what stands before it, so it needs no mask.
  /// \param embeddings [batch, tokens, hidden]  \param run how each layer is run
  /// \return [batch, tokens, hidden]
  template <class Run = RunDirectly>
  Tensor hidden_states(Tensor const& embeddings, Cache* cache = nullptr,
                       Run const& run = {}) const {
    std::int64_t const past = cache ? cache->tokens() : 0;
    Tensor const positions =
        at::arange(past, past + embeddings.size(1), embeddings.options().dtype(at::kLong));
    DecoderContext<C> const context{
        kernels::rotary_table(positions, C.head_dim(), C.rope_base, embeddings.scalar_type()),
        cache};
    Tensor hidden_now = embeddings;
    for (std::int64_t i = 0; i < C.layers; ++i) {
      auto const& layer = model.layers[static_cast<std::size_t>(i)];
      hidden_now =
          run([&layer, i, context](Tensor const& x) { return layer(x, i, context); }, hidden_now);
    }
    return model.norm(hidden_now);
  }

  /// \param states [..., hidden]  \return [..., vocabulary]
  Tensor logits(Tensor const& states) const {
    if constexpr (C.tied) {
      return at::linear(states, embedding_table());
    } else {
      return lm_head(states);
    }
  }
};

namespace detail {
constexpr LlmConfig qwen2_7b(Name name) {
  return {.name = name,
          .hidden = 3584,
          .layers = 28,
          .heads = 28,
          .kv_heads = 4,
          .intermediate = 18944,
          .vocabulary = 152064};
}
constexpr LlmConfig qwen2_1_5b(Name name) {
  return {.name = name,
          .hidden = 1536,
          .layers = 28,
          .heads = 12,
          .kv_heads = 2,
          .intermediate = 8960,
          .vocabulary = 151936,
          .tied = true};
}
constexpr LlmConfig qwen2_0_5b(Name name) {
  return {.name = name,
          .hidden = 896,
          .layers = 24,
          .heads = 14,
          .kv_heads = 2,
          .intermediate = 4864,
          .vocabulary = 151936,
          .tied = true};
}
}  // namespace detail

using Qwen2_7B = Qwen2<detail::qwen2_7b("Qwen2_7B")>;
using Qwen2_5_7B = Qwen2<detail::qwen2_7b("Qwen2_5_7B")>;
using Qwen2_1_5B = Qwen2<detail::qwen2_1_5b("Qwen2_1_5B")>;
using Qwen2_5_1_5B = Qwen2<detail::qwen2_1_5b("Qwen2_5_1_5B")>;
using Qwen2_0_5B = Qwen2<detail::qwen2_0_5b("Qwen2_0_5B")>;
using Qwen2_5_0_5B = Qwen2<detail::qwen2_0_5b("Qwen2_5_0_5B")>;

static_assert(LanguageModel<Qwen2_7B>);
static_assert(parameter_count<Qwen2_7B> == 7'615'616'512 && key_count<Qwen2_7B> == 339);
static_assert(parameter_count<Qwen2_1_5B> == 1'543'714'304 && key_count<Qwen2_1_5B> == 338);
static_assert(parameter_count<Qwen2_0_5B> == 494'032'768 && key_count<Qwen2_0_5B> == 290);

}  // namespace vcflash
