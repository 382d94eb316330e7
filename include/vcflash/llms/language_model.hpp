#pragma once

#include <vcflash/base/chat_template.hpp>
#include <vcflash/kernels/rotary.hpp>
#include <vcflash/layers/run.hpp>
#include <vcflash/meta/reflect.hpp>
#include <vcflash/meta/sentence.hpp>
#include <vcflash/meta/type_name.hpp>
#include <vcflash/tensor/tensor.hpp>

#include <algorithm>
#include <concepts>
#include <cstdint>
#include <limits>
#include <string_view>

namespace vcflash {

/// What programs need to know of a language model, without its type: what its `config.json` says,
/// how long an input it takes, how it is talked to. What a model does not have stays 0.
struct LlmFacts {
  std::string_view name;
  std::string_view model_type;  ///< as `config.json` of `transformers` has it
  std::int64_t hidden = 0, layers = 0, heads = 0, kv_heads = 0, head_dim = 0, intermediate = 0,
               vocabulary = 0;
  std::int64_t max_positions = 0;  ///< that it was trained at; 0: any
  double rope_base = 0, rms_epsilon = 0;
  kernels::RotaryScaling scaling{};
  bool tied = false;  ///< the output layer is the embedding table
  bool qkv_bias = false;
  ChatTemplate const* chat = &ChatTemplate::qwen_2;  ///< how it is talked to

  /// How many tokens it takes. What YaRN adds, `max_positions` need not have in it (Qwen's files);
  /// Llama 3's stretching it has.
  constexpr std::int64_t longest_input() const {
    if (max_positions == 0) return std::numeric_limits<std::int64_t>::max();
    if (scaling.kind != kernels::RotaryScaling::Kind::yarn) return max_positions;
    auto const stretched = scaling.factor * static_cast<double>(scaling.original_positions);
    return std::max(max_positions, static_cast<std::int64_t>(stretched));
  }
};

/// What a language model keeps of the tokens that it has seen, to go on from them
/// (layers/key_value_cache.hpp). It starts empty and can be moved.
/// Promises: `tokens(layer)` are those that a layer holds; `truncate(n)` forgets all but the first
/// n, or all if it cannot, and tells how many are left; `reserve(n)` makes room.
template <class C>
concept DecoderCache = std::default_initializable<C> && std::movable<C> &&
    requires(C& cache, C const& held, std::int64_t n) {
  { held.tokens() } -> std::convertible_to<std::int64_t>;
  { held.tokens(n) } -> std::convertible_to<std::int64_t>;
  { cache.truncate(n) } -> std::convertible_to<std::int64_t>;
  cache.reserve(n);
};

/// Continues a sequence of embeddings.
/// Promises: `embed(ids)` gives [..., hidden]; `hidden_states(embeddings, cache, run)` takes and
/// gives [batch, tokens, hidden], each token seeing itself and those before it, which begin with
/// those of the cache if there is one; `run(layer, x)` runs each layer (layers/run.hpp);
/// `logits(states)` gives [..., vocabulary]; `options()` are device and dtype of its embeddings.
/// An LLM whose output layer is one table may give it, `output_table()`, [vocabulary, hidden]:
/// then a loss is computed without all logits at once.
template <class L>
concept LanguageModel = Reflected<L> && DecoderCache<typename L::Cache> &&
    requires(L const& llm, Tensor const& t, typename L::Cache* cache) {
  { L::name } -> std::convertible_to<std::string_view>;
  { L::hidden } -> std::convertible_to<std::int64_t>;
  { L::vocabulary } -> std::convertible_to<std::int64_t>;
  { L::facts } -> std::convertible_to<LlmFacts>;
  { llm.embed(t) } -> std::same_as<Tensor>;
  { llm.hidden_states(t) } -> std::same_as<Tensor>;
  { llm.hidden_states(t, cache) } -> std::same_as<Tensor>;
  { llm.hidden_states(t, cache, RunDirectly{}) } -> std::same_as<Tensor>;
  { llm.logits(t) } -> std::same_as<Tensor>;
  { llm.options() } -> std::convertible_to<at::TensorOptions>;
};

/// The facts of an LLM as it is now: a program may have stretched its positions otherwise than its
/// type says.
template <LanguageModel L>
LlmFacts facts_now(L const& llm) {
  LlmFacts facts = L::facts;
  if constexpr (requires { kernels::RotaryScaling(llm.scaling); }) facts.scaling = llm.scaling;
  return facts;
}

/// What a type lacks that is to be a language model, in a sentence for the compiler to say.
template <class L>
consteval Sentence why_no_llm() {
  auto const lacks = [](std::string_view what) {
    return Sentence{} << component_name<L>()
                      << " is no LanguageModel (llms/language_model.hpp): it lacks " << what;
  };
  if constexpr (!Reflected<L>) {
    return lacks("BOOST_HANA_DEFINE_STRUCT");
  } else if constexpr (!requires { LlmFacts(L::facts); }) {
    return lacks("facts");
  } else if constexpr (!requires { std::int64_t{L::hidden}, std::int64_t{L::vocabulary}; }) {
    return lacks("hidden or vocabulary");
  } else if constexpr (!requires { requires DecoderCache<typename L::Cache>; }) {
    return lacks("a Cache with tokens, truncate and reserve");
  } else if constexpr (!requires(L const& llm, Tensor const& t) { llm.embed(t), llm.logits(t); }) {
    return lacks("embed(ids) or logits(states)");
  } else if constexpr (!requires(L const& llm, Tensor const& t, typename L::Cache* cache) {
                         llm.hidden_states(t, cache, RunDirectly{});
                       }) {
    return lacks("hidden_states(embeddings, cache, run)");
  } else {
    return lacks("a name, options(), or a Tensor as its result");
  }
}

/// A language model whose output layer is one table.
template <class L>
concept HasOutputTable = requires(L const& llm) {
  { llm.output_table() } -> std::same_as<Tensor const&>;
};

/// A language model whose later layers see fewer visual tokens (llms/dropping.hpp).
/// Promises: `reduced_states(embeddings, sequences)` does so and tells what is left.
template <class L>
concept DropsVisualTokens = LanguageModel<L> && requires {
  requires L::Dropping::drops;
};

}  // namespace vcflash
