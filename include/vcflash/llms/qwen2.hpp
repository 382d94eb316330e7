#pragma once

#include <vcflash/kernels/attention.hpp>
#include <vcflash/kernels/rotary.hpp>
#include <vcflash/layers/embedding.hpp>
#include <vcflash/layers/key_value_cache.hpp>
#include <vcflash/layers/mlp.hpp>
#include <vcflash/layers/norm.hpp>
#include <vcflash/layers/run.hpp>
#include <vcflash/llms/language_model.hpp>
#include <vcflash/llms/visual_dropping.hpp>
#include <vcflash/meta/error.hpp>

#include <ATen/core/grad_mode.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/topk.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <span>
#include <string_view>
#include <type_traits>
#include <vector>

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
    Tensor const query = kernels::rotate(split<C.heads>(q_proj(x)), context.rotary);
    Tensor key = kernels::rotate(split<C.kv_heads>(k_proj(x)), context.rotary);
    Tensor value = split<C.kv_heads>(v_proj(x));
    if (context.cache) std::tie(key, value) = context.cache->append(layer, key, value);
    Tensor const mixed = kernels::attention(query, key, value, /*causal=*/true);
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
    if (past > 0) key = at::cat({context.cache->of(layer).first, key}, 2);
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

namespace detail {
/// Whether the layers after which visual tokens are dropped are a decoder's.
template <LlmConfig C, class D>
consteval bool drops_within() {
  if constexpr (D::drops) {
    return require<(D::schedule.last_layer() < C.layers),
                   Sentence{} << C.name << " has " << C.layers
                              << " layers, too few to drop visual tokens after layer "
                              << D::schedule.last_layer()>;
  } else {
    return true;
  }
}
}  // namespace detail

template <LlmConfig C>
struct Decoder {
  using Table = Embedding<C.vocabulary, C.hidden>;
  using Layers = std::array<DecoderLayer<C>, static_cast<std::size_t>(C.layers)>;
  using Norm = RmsNorm<C.hidden, C.rms_epsilon>;
  BOOST_HANA_DEFINE_STRUCT(Decoder, (Table, embed_tokens), (Layers, layers), (Norm, norm));
};

/// Qwen2 (Yang et al. 2024): pre-norm decoder, grouped-query attention with biases on queries,
/// keys and values only, SwiGLU, rotary positions.
/// \tparam D which visual tokens its later layers do not see (llms/visual_dropping.hpp)
template <LlmConfig C, class D = NoDropping>
struct Qwen2 {
  static_assert(require<C.hidden % C.heads == 0,
                        Sentence{} << C.name << " has " << C.heads
                                   << " heads, which do not divide its width " << C.hidden>);
  static_assert(require<C.heads % C.kv_heads == 0, Sentence{} << C.name << " has " << C.heads
                                                              << " heads, which its " << C.kv_heads
                                                              << " key/value heads do not divide">);
  static_assert(detail::drops_within<C, D>());

  using Output = std::conditional_t<C.tied, Absent, Linear<C.hidden, C.vocabulary, false>>;
  BOOST_HANA_DEFINE_STRUCT(Qwen2, (Decoder<C>, model), (Output, lm_head));

  using Cache = KeyValueCache<C.layers>;
  using Dropping = D;
  /// The same decoder under another policy: `Qwen2_7B::With<AttentionDropping<…>>`.
  template <class Policy>
  using With = Qwen2<C, Policy>;

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
    return pass(embeddings, cache, run, [](std::int64_t, Tensor const&) {});
  }

  /// The same, the visual tokens of each sequence getting fewer on the way.
  /// \param sequences one a row of the batch, which is a single one if there is a cache
  template <class Run = RunDirectly>
  ReducedStates reduced_states(Tensor const& embeddings,
                               std::span<DroppableSequence const> sequences, Cache* cache = nullptr,
                               Run const& run = {}) const requires(D::drops) {
    if (cache && embeddings.size(0) != 1) {
      fail(std::string_view(name), " continues one conversation at a time, not ",
           embeddings.size(0), ", as each loses visual tokens of its own");
    }
    detail::RowsLeft left(sequences, embeddings.size(1));
    Tensor states = pass(embeddings, cache, run, [&](std::int64_t layer, Tensor& hidden_now) {
      std::int64_t const point = D::schedule.point_after(layer);
      if (point < 0) return;
      for (std::size_t s = 0; s < left.sequences(); ++s) {
        auto const visual = std::ssize(left.visual(s));
        std::int64_t const keep = D::schedule.left_after(point, left.visual_at_first(s));
        if (keep >= visual) continue;
        if (point < D::uniform_points) {
          left.keep(s, evenly_spread(visual, keep));
        } else if (auto const judges = left.judges(s); !judges.empty()) {
          auto const row = hidden_now.narrow(0, static_cast<std::int64_t>(s), 1);
          left.keep(s, most_attended(row, left.visual(s), judges, keep, layer, cache));
        }
      }
      hidden_now = left.gather(hidden_now);
    });
    return std::move(left).with(std::move(states));
  }

  /// \param states [..., hidden]  \return [..., vocabulary]
  Tensor logits(Tensor const& states) const {
    if constexpr (C.tied) {
      return at::linear(states, embedding_table());
    } else {
      return lm_head(states);
    }
  }

 private:
  static kernels::RotaryTable rotary(std::int64_t first, std::int64_t tokens,
                                     at::TensorOptions const& options) {
    Tensor const positions = at::arange(first, first + tokens, options.dtype(at::kLong));
    return kernels::rotary_table(positions, C.head_dim(), C.rope_base,
                                 c10::typeMetaToScalarType(options.dtype()), C.yarn);
  }

  /// \param after called with the number of each layer, from 1, and its output, which it may change
  template <class Run, class After>
  Tensor pass(Tensor hidden_now, Cache* cache, Run const& run, After&& after) const {
    DecoderContext<C> context{{}, cache};
    std::int64_t first = -1, tokens = -1;
    for (std::int64_t i = 0; i < C.layers; ++i) {
      std::int64_t const past = cache ? cache->tokens(i) : 0;
      if (past != first || hidden_now.size(1) != tokens) {  // a layer's tokens are counted anew
        first = past;
        tokens = hidden_now.size(1);
        context.rotary = rotary(first, tokens, hidden_now.options());
      }
      auto const& layer = model.layers[static_cast<std::size_t>(i)];
      hidden_now =
          run([&layer, i, context](Tensor const& x) { return layer(x, i, context); }, hidden_now);
      after(i + 1, hidden_now);
    }
    return model.norm(hidden_now);
  }

  /// Which visual tokens of one sequence the judges look at most, in the eyes of the next layer.
  /// \param row [1, tokens, hidden]  \param layer the next, counted from 0
  /// \return indices into `visual`, ascending
  std::vector<std::int64_t> most_attended(Tensor const& row,
                                          std::vector<std::int64_t> const& visual,
                                          std::vector<std::int64_t> const& judges,
                                          std::int64_t keep, std::int64_t layer,
                                          Cache* cache) const {
    at::NoGradGuard const no_grad;
    std::int64_t const past = cache ? cache->tokens(layer) : 0;
    auto const on_device = [&](std::vector<std::int64_t> const& values) {
      Tensor const tensor = at::empty({std::ssize(values)}, at::kLong);
      std::ranges::copy(values, tensor.mutable_data_ptr<std::int64_t>());
      return tensor.to(row.device());
    };
    auto const& next = model.layers[static_cast<std::size_t>(layer)];
    DecoderContext<C> const context{rotary(past, row.size(1), row.options()), cache};
    Tensor const paid =
        next.self_attn.attention_paid(next.input_layernorm(row), on_device(judges), layer, context);
    Tensor const score = paid.index_select(1, on_device(visual) + past).mean(0);
    Tensor const best = std::get<1>(score.topk(keep)).to(at::kCPU);
    auto const* const first = best.const_data_ptr<std::int64_t>();
    std::vector<std::int64_t> kept(first, first + keep);
    std::ranges::sort(kept);
    return kept;
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
constexpr LlmConfig qwen2_7b_1m(Name name) {
  LlmConfig config = qwen2_7b(name);
  config.rope_base = 1e7;
  config.rms_epsilon = 1e-5;
  config.max_positions = 1'010'000;
  return config;
}
constexpr LlmConfig qwen2_3b(Name name) {
  return {.name = name,
          .hidden = 2048,
          .layers = 36,
          .heads = 16,
          .kv_heads = 2,
          .intermediate = 11008,
          .vocabulary = 151936,
          .tied = true};
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
using Qwen2_5_7B_1M = Qwen2<detail::qwen2_7b_1m("Qwen2_5_7B_1M")>;
using Qwen2_5_3B = Qwen2<detail::qwen2_3b("Qwen2_5_3B")>;
using Qwen2_1_5B = Qwen2<detail::qwen2_1_5b("Qwen2_1_5B")>;
using Qwen2_5_1_5B = Qwen2<detail::qwen2_1_5b("Qwen2_5_1_5B")>;
using Qwen2_0_5B = Qwen2<detail::qwen2_0_5b("Qwen2_0_5B")>;
using Qwen2_5_0_5B = Qwen2<detail::qwen2_0_5b("Qwen2_5_0_5B")>;

static_assert(LanguageModel<Qwen2_7B>);
static_assert(parameter_count<Qwen2_7B> == 7'615'616'512 && key_count<Qwen2_7B> == 339);
static_assert(parameter_count<Qwen2_5_3B> == 3'085'938'688 && key_count<Qwen2_5_3B> == 434);
static_assert(parameter_count<Qwen2_1_5B> == 1'543'714'304 && key_count<Qwen2_1_5B> == 338);
static_assert(parameter_count<Qwen2_0_5B> == 494'032'768 && key_count<Qwen2_0_5B> == 290);

}  // namespace vcflash
