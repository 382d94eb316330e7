#pragma once

#include <vcflash/kernels/attention.hpp>
#include <vcflash/kernels/rotary.hpp>
#include <vcflash/layers/key_value_cache.hpp>
#include <vcflash/layers/mlp.hpp>
#include <vcflash/layers/norm.hpp>
#include <vcflash/meta/sentence.hpp>
#include <vcflash/tensor/aten.hpp>

#include <ATen/ops/tensor.h>

#include <cstdint>
#include <tuple>

/// One layer of a Qwen2 decoder, and what the layers of one pass share.
namespace vcflash {

/// Shape of a Qwen2 or Qwen2.5 decoder.
struct LlmConfig {
  Name name;
  std::int64_t hidden, layers, heads, kv_heads, intermediate, vocabulary;
  double rope_base = 1e6;
  double rms_epsilon = 1e-6;
  bool tied = false;  ///< the output layer is the embedding table
  std::int64_t max_positions = 32768;
  kernels::Yarn yarn{};

  constexpr std::int64_t head_dim() const { return hidden / heads; }
};

/// What all layers of one pass share that see the same tokens.
template <LlmConfig C>
struct DecoderContext {
  kernels::RotaryTable rotary{};
  Tensor seen{};  ///< [batch, 1, tokens, keys] bool; undefined: each token sees those before it
  KeyValueCache<C.layers>* cache = nullptr;

  /// \param first tokens that come before, those of the cache  \param like what the layers take
  /// \param layer the first of them, counted from 0
  DecoderContext(std::int64_t first, std::int64_t tokens, Tensor const& like,
                 KeyValueCache<C.layers>* kept, std::int64_t layer = 0)
      : cache(kept) {
    Tensor places = aten::arange(first, first + tokens, like.options().dtype(at::kLong));
    if (cache && !cache->padding().empty()) {
      std::int64_t const before = cache->before_padding(layer);
      Tensor const padding =
          sent_to(at::tensor(cache->padding(), at::kLong), places.device()).unsqueeze(1);
      Tensor const keys = aten::arange(first + tokens, places.options());
      Tensor const own = places.view({1, tokens, 1});
      Tensor const meant = keys.lt(before).logical_or(keys.ge(padding + before)).unsqueeze(1);
      // Padding sees itself, as something has to be seen.
      seen = meant.logical_and(keys.le(own)).logical_or(keys.eq(own)).unsqueeze(1);
      places = (places - padding).clamp_min(before);
    }
    rotary = kernels::rotary_table(places, C.head_dim(), C.rope_base, like.scalar_type(), C.yarn);
  }
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
    Tensor const query = kernels::rotate(split<C.heads>(q_proj(x)), context.rotary);
    Tensor key = kernels::rotate(split<C.kv_heads>(k_proj(x)), context.rotary);
    Tensor value = split<C.kv_heads>(v_proj(x));
    if (context.cache) std::tie(key, value) = context.cache->append(layer, key, value);
    Tensor const mixed = kernels::attention(query, key, value, /*causal=*/true, context.seen);
    return o_proj(mixed.transpose(1, 2).flatten(2));
  }

  /// How much chosen tokens of one sequence would look at each token, those of the cache first.
  /// \param x [1, tokens, hidden]  \param chosen [chosen] int64  \return [chosen, keys]
  Tensor attention_paid(Tensor const& x, Tensor const& chosen, std::int64_t layer,
                        DecoderContext<C> const& context) const {
    Tensor const query = kernels::rotate(split<C.heads>(q_proj(x.index_select(1, chosen))),
                                         context.rotary.rows(chosen));
    Tensor key = kernels::rotate(split<C.kv_heads>(k_proj(x)), context.rotary);
    std::int64_t const past = context.cache ? context.cache->tokens(layer) : 0;
    if (past > 0) key = aten::cat({context.cache->of(layer).first, key}, 2);
    return kernels::attention_paid(query[0], key[0], chosen + past);
  }

 private:
  /// \param t [batch, tokens, Heads * head_dim]  \return [batch, Heads, tokens, head_dim]
  template <std::int64_t Heads>
  static Tensor split(Tensor const& t) {
    return t.unflatten(-1, {Heads, C.head_dim()}).transpose(1, 2);
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

}  // namespace vcflash
