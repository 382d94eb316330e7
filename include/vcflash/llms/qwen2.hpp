#pragma once

#include <vcflash/base/error.hpp>
#include <vcflash/kernels/linear.hpp>
#include <vcflash/layers/embedding.hpp>
#include <vcflash/layers/linear.hpp>
#include <vcflash/layers/run.hpp>
#include <vcflash/llms/decoder_layer.hpp>
#include <vcflash/llms/language_model.hpp>
#include <vcflash/llms/visual_dropping.hpp>
#include <vcflash/tensor/aten.hpp>

#include <ATen/core/grad_mode.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <type_traits>
#include <vector>

namespace vcflash {

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

  /// The normalized output of the last layer. With a cache, the tokens continue those it holds.
  /// Padding to the right is never seen by what stands before it, so it needs no mask; how much
  /// there is to the left, the cache must know (`pad_left`). \param embeddings [batch, tokens,
  /// hidden]  \param run how each layer is run \return [batch, tokens, hidden]
  template <class Run = RunDirectly>
  Tensor hidden_states(Tensor const& embeddings, Cache* cache = nullptr,
                       Run const& run = {}) const {
    return model.norm(pass(embeddings, 0, C.layers, cache, run));
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
    Tensor const states = reduce(embeddings, 0, C.layers, left, cache, run);
    return std::move(left).with(model.norm(states));
  }

  /// Layers whose output for a prefix is the same however a sequence goes on: those before the
  /// first point where attention decides which visual tokens stay.
  static constexpr std::int64_t prefix_layers = [] {
    if constexpr (D::drops) {
      if (D::uniform_points < D::schedule.points) {
        return D::schedule.layers[static_cast<std::size_t>(D::uniform_points)];
      }
    }
    return C.layers;
  }();

  /// Passes a prefix through these layers.
  /// \param embeddings [1, tokens, hidden]  \param visual where its visual tokens are, ascending
  /// \param cache of a sequence that begins here
  ReducedPrefix prefix_states(Tensor const& embeddings, std::vector<std::int64_t> visual,
                              Cache& cache) const requires(D::drops) {
    DroppableSequence const sequence{embeddings.size(1), std::move(visual), {}};
    detail::RowsLeft left(std::span(&sequence, 1), embeddings.size(1));
    Tensor const states = reduce(embeddings, 0, prefix_layers, left, &cache, RunDirectly{});
    auto const& kept = left.visual(0);
    return {states, kept, std::ssize(sequence.visual) - std::ssize(kept)};
  }

  /// Goes on from a prefix in several ways, of which none has visual tokens of its own. All lose as
  /// many of the prefix's, each those that matter least to it.
  /// \param rests [batch, tokens, hidden], padded to the right  \param lengths without padding
  /// \param cache what the prefix left, once for each  \return [batch, tokens left, hidden], of
  ///   which the last are the rests'; padded alike
  Tensor states_after(ReducedPrefix const& prefix, Tensor const& rests,
                      std::span<std::int64_t const> lengths, Cache& cache) const
      requires(D::drops) {
    Tensor states = pass(rests, 0, prefix_layers, &cache, RunDirectly{});
    if constexpr (prefix_layers < C.layers) {
      std::int64_t before = 0;
      if (prefix.states.defined()) {
        before = prefix.states.size(1);
        states = aten::cat({prefix.states.expand({rests.size(0), -1, -1}), states}, 1);
      }
      std::vector<DroppableSequence> sequences;
      for (std::int64_t const length : lengths) {
        sequences.push_back({before + length, prefix.visual, {before + length}, prefix.dropped});
      }
      detail::RowsLeft left(sequences, states.size(1));
      drop(left, prefix_layers, states, &cache);
      states = reduce(states, prefix_layers, C.layers, left, &cache, RunDirectly{});
    }
    return model.norm(states);
  }

  /// Of the output layer: [vocabulary, hidden]
  Tensor const& output_table() const {
    if constexpr (C.tied) {
      return embedding_table();
    } else {
      return lm_head.weight;
    }
  }

  /// \param states [..., hidden]  \return [..., vocabulary]
  Tensor logits(Tensor const& states) const { return kernels::linear(states, output_table()); }

 private:
  /// Passes layers `from` to `to`, counted from 0, the last of which is left out.
  template <class Run>
  Tensor pass(Tensor hidden_now, std::int64_t from, std::int64_t to, Cache* cache,
              Run const& run) const {
    std::optional<DecoderContext<C>> context;
    std::int64_t first = -1;
    for (std::int64_t i = from; i < to; ++i) {
      std::int64_t const past = cache ? cache->tokens(i) : 0;
      if (past != first) {  // a layer's tokens are counted anew
        first = past;
        context.emplace(first, hidden_now.size(1), hidden_now, cache, i);
      }
      auto const& layer = model.layers[static_cast<std::size_t>(i)];
      hidden_now =
          run([&layer, i, shared = *context](Tensor const& x) { return layer(x, i, shared); },
              hidden_now);
    }
    return hidden_now;
  }

  /// The same, visual tokens being dropped behind each of these layers but the last. With a cache,
  /// long inputs pass in parts between two points, so that what a layer holds at a time stays
  /// small.
  template <class Run>
  Tensor reduce(Tensor hidden_now, std::int64_t from, std::int64_t to, detail::RowsLeft& left,
                Cache* cache, Run const& run) const {
    constexpr std::int64_t part = 1024;
    while (from < to) {
      std::int64_t until = from + 1;
      while (until < to && D::schedule.point_after(until) < 0) ++until;
      std::int64_t const tokens = hidden_now.size(1);
      if (cache && tokens > part) {
        std::vector<Tensor> parts;
        for (std::int64_t first = 0; first < tokens; first += part) {
          parts.push_back(pass(hidden_now.narrow(1, first, std::min(part, tokens - first)), from,
                               until, cache, run));
        }
        hidden_now = aten::cat(parts, 1);
      } else {
        hidden_now = pass(hidden_now, from, until, cache, run);
      }
      if (until < to) drop(left, until, hidden_now, cache);
      from = until;
    }
    return hidden_now;
  }

  /// Drops what is to be dropped after a layer.
  /// \param layer counted from 1  \param hidden_now its output, which gets shorter
  void drop(detail::RowsLeft& left, std::int64_t layer, Tensor& hidden_now, Cache* cache) const {
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
      Tensor const tensor = aten::empty({std::ssize(values)}, at::kLong);
      std::ranges::copy(values, tensor.mutable_data_ptr<std::int64_t>());
      return sent_to(tensor, row.device());
    };
    auto const& next = model.layers[static_cast<std::size_t>(layer)];
    DecoderContext<C> const context(past, row.size(1), row, cache);
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
