#pragma once

#include <vcflash/base/chat_template.hpp>
#include <vcflash/kernels/attention.hpp>
#include <vcflash/kernels/rotary.hpp>
#include <vcflash/layers/key_value_cache.hpp>
#include <vcflash/layers/mlp.hpp>
#include <vcflash/layers/norm.hpp>
#include <vcflash/layers/parts.hpp>
#include <vcflash/meta/reflect.hpp>
#include <vcflash/meta/sentence.hpp>
#include <vcflash/tensor/aten.hpp>

#include <ATen/ops/tensor.h>

#include <concepts>
#include <cstdint>
#include <tuple>

/// One layer of a decoder, and what the layers of one pass share.
namespace vcflash {

/// What decoders of one family have in common, whatever their size.
struct DecoderFamily {
  Name model_type;        ///< as `config.json` of `transformers` has it
  bool qkv_bias = false;  ///< of queries, keys and values; no other layer has one
  bool qk_norm = false;   ///< queries and keys pass an RMS norm, each head by itself
  ChatTemplate const* chat = &ChatTemplate::qwen_2;
};

/// Shape of a pre-norm decoder with rotary positions, grouped queries and SwiGLU: Llama's, Qwen2's,
/// Qwen3's.
struct DecoderConfig {
  Name name;
  std::int64_t hidden = 0, layers = 0, heads = 0, kv_heads = 0, intermediate = 0, vocabulary = 0;
  std::int64_t own_head_dim = 0;  ///< 0: hidden / heads
  double rope_base = 1e6;
  double rms_epsilon = 1e-6;
  bool tied = false;  ///< the output layer is the embedding table
  std::int64_t max_positions = 32768;
  kernels::RotaryScaling scaling{};
  DecoderFamily family{};

  constexpr std::int64_t head_dim() const {
    return own_head_dim > 0 ? own_head_dim : heads > 0 ? hidden / heads : 0;
  }
};

constexpr DecoderConfig of_family(DecoderConfig config, DecoderFamily const& family) {
  config.family = family;
  return config;
}

/// Whether a configuration can be a decoder's.
template <DecoderConfig C>
inline constexpr bool sound_decoder =
    require<(C.hidden > 0 && C.layers > 0 && C.heads > 0 && C.kv_heads > 0 && C.intermediate > 0 &&
             C.vocabulary > 0),
            Sentence{} << C.name << " leaves a size open: hidden " << C.hidden << ", layers "
                       << C.layers << ", heads " << C.heads << ", kv_heads " << C.kv_heads
                       << ", intermediate " << C.intermediate << ", vocabulary " << C.vocabulary>&&
        require<(C.own_head_dim > 0 || C.heads < 1 || C.hidden % C.heads == 0),
                Sentence{} << C.name << " has " << C.heads
                           << " heads, which do not divide its width " << C.hidden>&&
            require<(C.kv_heads < 1 || C.heads % C.kv_heads == 0),
                    Sentence{} << C.name << " has " << C.heads << " heads, which its " << C.kv_heads
                               << " key/value heads do not divide">&&
                require<C.head_dim() % 2 == 0,
                        Sentence{} << C.name << " has " << C.head_dim()
                                   << " channels a head, which rotary positions turn in pairs">;

/// What all layers of one pass share that see the same tokens.
template <DecoderConfig C>
struct DecoderContext {
  kernels::RotaryTable rotary{};
  Tensor seen{};  ///< [batch, 1, tokens, keys] bool; undefined: each token sees those before it
  KeyValueCache<C.layers>* cache = nullptr;

  /// \param first tokens that come before, those of the cache
  /// \param like what the layers take
  /// \param layer the first of them, counted from 0
  DecoderContext(std::int64_t first, std::int64_t tokens, Tensor const& like,
                 KeyValueCache<C.layers>* kept, std::int64_t layer = 0,
                 kernels::RotaryScaling const& scaling = C.scaling)
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
    rotary = kernels::rotary_table(places, C.head_dim(), C.rope_base, like.scalar_type(), scaling);
  }
};

namespace detail {
template <bool has, std::int64_t Width, Epsilon epsilon, class P>
struct HeadNorm {
  using type = Absent;
};
template <std::int64_t Width, Epsilon epsilon, class P>
struct HeadNorm<true, Width, epsilon, P> {
  using type = typename P::template RmsNorm<Width, epsilon>;
};
}  // namespace detail

/// Causal self-attention with rotary positions and grouped key/value heads.
/// \tparam P what it is made of (layers/parts.hpp)
template <DecoderConfig C, class P = PlainParts>
struct SelfAttention {
  static constexpr std::int64_t head_dim = C.head_dim();
  static constexpr bool biased = C.family.qkv_bias;
  using Query = typename P::template Linear<Site::query, C.hidden, C.heads * head_dim, biased>;
  using Key = typename P::template Linear<Site::key, C.hidden, C.kv_heads * head_dim, biased>;
  using Value = typename P::template Linear<Site::value, C.hidden, C.kv_heads * head_dim, biased>;
  using Output =
      typename P::template Linear<Site::attention_output, C.heads * head_dim, C.hidden, false>;
  using HeadNorm = typename detail::HeadNorm<C.family.qk_norm, head_dim, C.rms_epsilon, P>::type;
  BOOST_HANA_DEFINE_STRUCT(SelfAttention, (Query, q_proj), (Key, k_proj), (Value, v_proj),
                           (Output, o_proj), (HeadNorm, q_norm), (HeadNorm, k_norm));

  /// \param x [batch, tokens, hidden]
  /// \param layer whose keys and values these are
  /// \return [batch, tokens, hidden]
  Tensor operator()(Tensor const& x, std::int64_t layer, DecoderContext<C> const& context) const {
    Tensor const query = kernels::rotate(heads_of<C.heads>(q_proj(x), q_norm), context.rotary);
    Tensor key = kernels::rotate(heads_of<C.kv_heads>(k_proj(x), k_norm), context.rotary);
    Tensor value = heads_of<C.kv_heads>(v_proj(x), Absent{});
    if (context.cache) std::tie(key, value) = context.cache->append(layer, key, value);
    Tensor const attended = kernels::attention(query, key, value, /*causal=*/true, context.seen);
    return o_proj(attended.transpose(1, 2).flatten(2));
  }

  /// How much chosen tokens of one sequence would look at each token, those of the cache first.
  /// \param x [1, tokens, hidden]
  /// \param chosen [chosen] int64
  /// \return [chosen, keys]
  Tensor attention_paid(Tensor const& x, Tensor const& chosen, std::int64_t layer,
                        DecoderContext<C> const& context) const {
    Tensor const query = kernels::rotate(
        heads_of<C.heads>(q_proj(x.index_select(1, chosen)), q_norm), context.rotary.rows(chosen));
    Tensor key = kernels::rotate(heads_of<C.kv_heads>(k_proj(x), k_norm), context.rotary);
    std::int64_t const past = context.cache ? context.cache->tokens(layer) : 0;
    if (past > 0) key = aten::cat({context.cache->of(layer).first, key}, 2);
    return kernels::attention_paid(query[0], key[0], chosen + past);
  }

 private:
  /// \param t [batch, tokens, Heads * head_dim]
  /// \param norm of each head, or `Absent`
  /// \return [batch, Heads, tokens, head_dim]
  template <std::int64_t Heads, class Norm>
  static Tensor heads_of(Tensor const& t, Norm const& norm) {
    Tensor const heads = t.unflatten(-1, {Heads, head_dim});
    if constexpr (std::same_as<Norm, Absent>) {
      return heads.transpose(1, 2);
    } else {
      return norm(heads).transpose(1, 2);
    }
  }
};

template <DecoderConfig C, class P = PlainParts>
struct DecoderLayer {
  using Norm = typename P::template RmsNorm<C.hidden, C.rms_epsilon>;
  using Attention = SelfAttention<C, P>;
  using Mlp = SwiGlu<C.hidden, C.intermediate, P>;
  BOOST_HANA_DEFINE_STRUCT(DecoderLayer, (Attention, self_attn), (Mlp, mlp),
                           (Norm, input_layernorm), (Norm, post_attention_layernorm));

  /// \param x [batch, tokens, hidden]
  /// \param layer which of the decoder's it is, from 0
  /// \return [batch, tokens, hidden]
  Tensor operator()(Tensor const& x, std::int64_t layer, DecoderContext<C> const& context) const {
    Tensor const attended = x + self_attn(input_layernorm(x), layer, context);
    return attended + mlp(post_attention_layernorm(attended));
  }
};

}  // namespace vcflash
