#pragma once

#include <vcflash/meta/reflect.hpp>
#include <vcflash/meta/sentence.hpp>
#include <vcflash/tensor/tensor.hpp>

#include <concepts>
#include <cstdint>

namespace vcflash {

/// Continues a sequence of embeddings.
/// Promises: `embed(ids)` gives [..., hidden]; `hidden_states(embeddings)` takes and gives
/// [batch, tokens, hidden], each token seeing itself and those before it; `logits(states)` gives
/// [..., vocabulary], the product with `output_table()`, [vocabulary, hidden]; `embedding_table()`
/// tells where its parameters are and in which type.
template <class L>
concept LanguageModel = Reflected<L> && requires(L const& llm, Tensor const& t) {
  { L::name } -> std::convertible_to<std::string_view>;
  { L::hidden } -> std::convertible_to<std::int64_t>;
  { L::vocabulary } -> std::convertible_to<std::int64_t>;
  typename L::Cache;
  { llm.embed(t) } -> std::same_as<Tensor>;
  { llm.hidden_states(t) } -> std::same_as<Tensor>;
  { llm.logits(t) } -> std::same_as<Tensor>;
  { llm.embedding_table() } -> std::same_as<Tensor const&>;
  { llm.output_table() } -> std::same_as<Tensor const&>;
};

/// A language model whose later layers see fewer visual tokens (llms/visual_dropping.hpp).
/// Promises: `reduced_states(embeddings, sequences)` does so and tells what is left.
template <class L>
concept DropsVisualTokens = LanguageModel<L> && L::Dropping::drops;

}  // namespace vcflash
