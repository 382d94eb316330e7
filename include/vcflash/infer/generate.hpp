#pragma once

#include <vcflash/infer/prompt_length.hpp>
#include <vcflash/infer/sampling.hpp>
#include <vcflash/llms/language_model.hpp>
#include <vcflash/llms/visual_dropping.hpp>
#include <vcflash/tensor/aten.hpp>
#include <vcflash/tensor/tensor.hpp>

#include <ATen/core/grad_mode.h>

#include <algorithm>
#include <cstdint>
#include <limits>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

namespace vcflash::infer {

struct GenerateOptions {
  std::int64_t max_new_tokens = 1024;
  std::vector<std::int64_t> stop_ids{};  ///< generation ends before the first of these
  /// Ids from here on are never chosen: rows of the table that no token of the tokenizer has.
  std::int64_t vocabulary = std::numeric_limits<std::int64_t>::max();
  Sampling sampling{};  ///< how each token is chosen; the likeliest unless told otherwise
};

/// Why an answer ended.
enum class Finish {
  stop,       ///< the model ended it, or a stop text did
  length,     ///< it has as many tokens as were asked for
  context,    ///< the model has no positions left
  cancelled,  ///< the listener wanted no more
};

constexpr std::string_view name_of(Finish finish) {
  switch (finish) {
    case Finish::stop:
      return "stop";
    case Finish::length:
      return "length";
    case Finish::context:
      return "context";
    case Finish::cancelled:
      return "cancelled";
  }
  return "unknown";
}

/// What a model said.
struct Generated {
  std::vector<std::int64_t> ids;  ///< without the one that stopped
  Finish finish;
};

/// What a model is asked.
struct Prompt {
  Tensor embeddings;                   ///< [1, tokens, hidden]
  std::vector<std::int64_t> visual{};  ///< where its visual tokens are, ascending

  Prompt(Tensor embeddings, std::vector<std::int64_t> visual = {})
      : embeddings(std::move(embeddings)), visual(std::move(visual)) {}

  std::int64_t tokens() const { return embeddings.size(1); }

  /// What follows its first `known` tokens.
  Prompt after(std::int64_t known) const {
    std::vector<std::int64_t> rest;
    for (std::int64_t const v : visual) {
      if (v >= known) rest.push_back(v - known);
    }
    return {embeddings.narrow(1, known, tokens() - known), std::move(rest)};
  }
};

/// The states of a prompt that `cache` is continued by, of which the last one decides.
template <LanguageModel L>
Tensor states_of(L const& llm, Prompt const& prompt, typename L::Cache& cache) {
  if constexpr (DropsVisualTokens<L>) {
    DroppableSequence const sequence{prompt.tokens(), prompt.visual, {prompt.tokens()}};
    return llm.reduced_states(prompt.embeddings, std::span(&sequence, 1), &cache).states;
  } else {
    return llm.hidden_states(prompt.embeddings, &cache);
  }
}

/// The likeliest next token after a state, the lowest of equals.
/// \param state [batch, tokens, hidden], of which the last token of the first row counts
/// \throws NotNumbers if there is none
template <LanguageModel L>
std::int64_t likeliest_token(L const& llm, Tensor const& state, std::int64_t vocabulary) {
  Tensor const all = llm.logits(state.select(1, state.size(1) - 1)).select(0, 0);
  Tensor const logits = all.narrow(0, 0, std::min(vocabulary, all.size(0)));
  Tensor const likeliest = logits.argmax();  // NaN counts as the largest
  require_number(logits.index_select(0, likeliest.view({1})).template item<double>());
  return likeliest.template item<std::int64_t>();
}

/// The token that a sampler chooses after a state.
/// \param answer tokens chosen so far
/// \throws NotNumbers if there is none
template <LanguageModel L>
std::int64_t sampled_token(L const& llm, Tensor const& state, std::int64_t vocabulary,
                           std::span<std::int64_t const> answer, Sampler& sampler) {
  Tensor const all = llm.logits(state.select(1, state.size(1) - 1)).select(0, 0);
  Tensor const logits =
      all.narrow(0, 0, std::min(vocabulary, all.size(0))).to(at::kCPU, at::kFloat).contiguous();
  return sampler.choose(
      std::span(logits.const_data_ptr<float>(), static_cast<std::size_t>(logits.numel())), answer);
}

/// Continues `cache` by a prompt of at least one token and then token by token, each chosen as the
/// options say by those before it, to the model's last position at most. The cache afterwards holds
/// everything but the last token.
/// \param on_token called with each id as it is chosen; returning false ends the generation
/// \throws NotNumbers if the model's logits are none
template <LanguageModel L, class OnToken>
Generated generate(L const& llm, Prompt const& prompt, GenerateOptions const& options,
                   typename L::Cache& cache, OnToken&& on_token) {
  at::NoGradGuard const no_grad;
  std::vector<std::int64_t> ids;
  if (options.max_new_tokens <= 0) return {ids, Finish::length};
  std::int64_t const longest = facts_now(llm).longest_input();
  Sampler sampler(options.sampling);
  Tensor states = states_of(llm, prompt, cache);
  while (true) {
    std::int64_t const id = options.sampling.plain()
                                ? likeliest_token(llm, states, options.vocabulary)
                                : sampled_token(llm, states, options.vocabulary, ids, sampler);
    if (std::ranges::find(options.stop_ids, id) != options.stop_ids.end()) {
      return {ids, Finish::stop};
    }
    ids.push_back(id);
    if (!on_token(id)) return {ids, Finish::cancelled};
    if (std::ssize(ids) >= options.max_new_tokens) return {ids, Finish::length};
    if (cache.tokens() >= longest) return {ids, Finish::context};
    Tensor const next = aten::full({1, 1}, id, prompt.embeddings.options().dtype(at::kLong));
    states = llm.hidden_states(llm.embed(next), &cache);
  }
}

/// As above, with a cache of its own.
template <LanguageModel L, class OnToken>
Generated generate(L const& llm, Prompt const& prompt, GenerateOptions const& options,
                   OnToken&& on_token) {
  typename L::Cache cache;
  return generate(llm, prompt, options, cache, std::forward<OnToken>(on_token));
}
template <LanguageModel L>
Generated generate(L const& llm, Prompt const& prompt, GenerateOptions const& options) {
  return generate(llm, prompt, options, [](std::int64_t) { return true; });
}

}  // namespace vcflash::infer
