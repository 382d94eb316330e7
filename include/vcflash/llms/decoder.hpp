#pragma once

#include <vcflash/layers/parts.hpp>
#include <vcflash/layers/run.hpp>
#include <vcflash/llms/decoder_layer.hpp>
#include <vcflash/llms/language_model.hpp>
#include <vcflash/llms/visual_dropping.hpp>
#include <vcflash/meta/reflect.hpp>
#include <vcflash/meta/sentence.hpp>
#include <vcflash/tensor/aten.hpp>

#include <array>
#include <cstdint>
#include <optional>
#include <type_traits>

namespace vcflash {

template <DecoderConfig C, class P = PlainParts>
struct DecoderStack {
  using Table = typename P::template Embedding<C.vocabulary, C.hidden>;
  using Layers = std::array<DecoderLayer<C, P>, static_cast<std::size_t>(C.layers)>;
  using Norm = typename P::template RmsNorm<C.hidden, C.rms_epsilon>;
  BOOST_HANA_DEFINE_STRUCT(DecoderStack, (Table, embed_tokens), (Layers, layers), (Norm, norm));
};

/// A pre-norm decoder of any family (llms/qwen2.hpp, llms/qwen3.hpp, llms/llama.hpp): grouped-query
/// attention, SwiGLU, rotary positions.
/// \tparam P what it is made of (layers/parts.hpp)
template <DecoderConfig C, class P = PlainParts>
struct Decoder {
  static_assert(sound_decoder<C>);

  using Output =
      std::conditional_t<C.tied, Absent,
                         typename P::template Linear<Site::head, C.hidden, C.vocabulary, false>>;
  using Stack = DecoderStack<C, P>;
  BOOST_HANA_DEFINE_STRUCT(Decoder, (Stack, model), (Output, lm_head));

  using Cache = KeyValueCache<C.layers>;
  using Dropping = NoDropping;
  using Parts = P;
  using Undropped = Decoder;
  /// The same decoder of other parts.
  template <class OtherParts>
  using MadeOf = Decoder<C, OtherParts>;
  /// The same decoder under a policy: `Qwen2_7B::With<AttentionDropping<…>>`,
  /// `Qwen2_7B::With<Lora<16>>`.
  template <class Policy>
  using With = typename Policy::template Applied<Decoder>;

  static constexpr DecoderConfig config = C;
  static constexpr Name name = C.name;
  static constexpr std::int64_t hidden = C.hidden;
  static constexpr std::int64_t vocabulary = C.vocabulary;
  static constexpr LlmFacts facts{.name = name,
                                  .model_type = config.family.model_type,
                                  .hidden = C.hidden,
                                  .layers = C.layers,
                                  .heads = C.heads,
                                  .kv_heads = C.kv_heads,
                                  .head_dim = C.head_dim(),
                                  .intermediate = C.intermediate,
                                  .vocabulary = C.vocabulary,
                                  .max_positions = C.max_positions,
                                  .rope_base = C.rope_base,
                                  .rms_epsilon = C.rms_epsilon,
                                  .scaling = C.scaling,
                                  .tied = C.tied,
                                  .qkv_bias = C.family.qkv_bias,
                                  .chat = C.family.chat};

  /// How positions are stretched: as the type says, unless a program says otherwise before the
  /// first token.
  kernels::RotaryScaling scaling = C.scaling;

  /// Device and dtype of embeddings and states.
  at::TensorOptions options() const { return model.embed_tokens.options(); }

  /// \param ids [...] int64
  /// \return [..., hidden]
  Tensor embed(Tensor const& ids) const { return model.embed_tokens(ids); }

  /// The normalized output of the last layer. With a cache, the tokens continue those it holds.
  /// Padding to the right is never seen by what stands before it, so it needs no mask; how much
  /// there is to the left, the cache must know (`pad_left`).
  /// \param embeddings [batch, tokens, hidden]
  /// \param run how each layer is run
  /// \return [batch, tokens, hidden]
  template <class Run = RunDirectly>
  Tensor hidden_states(Tensor const& embeddings, Cache* cache = nullptr,
                       Run const& run = {}) const {
    return normalized(pass(embeddings, 0, C.layers, cache, run));
  }

  /// What the output layer takes of the last layer's output.
  Tensor normalized(Tensor const& states) const { return model.norm(states); }

  /// Of the output layer: [vocabulary, hidden]
  Tensor const& output_table() const requires
      requires(Output const& output, typename Stack::Table const& embeddings) {
    requires(C.tied || requires { output.table(); }) && requires { embeddings.table(); };
  }
  {
    if constexpr (C.tied) {
      return model.embed_tokens.table();
    } else {
      return lm_head.table();
    }
  }

  /// \param states [..., hidden]
  /// \return [..., vocabulary]
  Tensor logits(Tensor const& states) const {
    if constexpr (C.tied) {
      return model.embed_tokens.products(states);
    } else {
      return lm_head(states);
    }
  }

  /// Passes layers `from` to `to`, counted from 0, the last of which is left out.
  /// \param states [batch, tokens, hidden]
  /// \return [batch, tokens, hidden], not normalized
  template <class Run = RunDirectly>
  Tensor pass(Tensor states, std::int64_t from, std::int64_t to, Cache* cache,
              Run const& run = {}) const {
    std::optional<DecoderContext<C>> context;
    std::int64_t first = -1;
    for (std::int64_t i = from; i < to; ++i) {
      std::int64_t const past = cache ? cache->tokens(i) : 0;
      if (past != first) {  // a layer's tokens are counted anew
        first = past;
        context.emplace(first, states.size(1), states, cache, i, scaling);
      }
      auto const& layer = model.layers[static_cast<std::size_t>(i)];
      states = run([&layer, i, shared = *context](Tensor const& x) { return layer(x, i, shared); },
                   states);
    }
    return states;
  }

  /// How much tokens of one sequence look at each token, those of the cache first, in a layer that
  /// the sequence comes to.
  /// \param states [1, tokens, hidden], the output of the layer before
  /// \param chosen [chosen] int64, the tokens that look
  /// \param layer counted from 0
  /// \return [chosen, keys]
  Tensor attention_paid(Tensor const& states, Tensor const& chosen, std::int64_t layer,
                        Cache* cache) const {
    auto const& next = model.layers[static_cast<std::size_t>(layer)];
    DecoderContext<C> const context(cache ? cache->tokens(layer) : 0, states.size(1), states, cache,
                                    layer, scaling);
    return next.self_attn.attention_paid(next.input_layernorm(states), chosen, layer, context);
  }
};

}  // namespace vcflash
