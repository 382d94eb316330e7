#pragma once

#include <vcflash/infer/generate_batch.hpp>
#include <vcflash/layers/stacked_cache.hpp>
#include <vcflash/tensor/aten.hpp>

#include <ATen/core/grad_mode.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace vcflash::infer {

/// Which of some tokens a model finds likeliest to come next.
/// \param prefix what the prompt begins with, its visual tokens among it
/// \param rest what follows: [1, tokens, hidden] of at least one token
/// \param options ids of tokens, at least one
/// \return the place of the likeliest in `options`, the first of equals
template <LanguageModel L>
std::size_t likeliest_option(L const& llm, SharedPrefix<L> const& prefix, Tensor const& rest,
                             std::span<std::int64_t const> options) {
  at::NoGradGuard const no_grad;
  typename L::Cache cache = repeated(prefix.cache, 1);
  Tensor states;
  if constexpr (DropsVisualTokens<L>) {
    std::array const lengths{rest.size(1)};
    states = llm.states_after(prefix.reduced, rest, lengths, cache);
  } else {
    states = llm.hidden_states(rest, &cache);
  }
  Tensor const logits = llm.logits(states.select(1, states.size(1) - 1))
                            .select(0, 0)
                            .to(at::kCPU, at::kFloat)
                            .contiguous();
  auto const* const all = logits.template const_data_ptr<float>();
  std::size_t best = 0;
  for (std::size_t i = 1; i < options.size(); ++i) {
    if (all[options[i]] > all[options[best]]) best = i;
  }
  return best;
}

}  // namespace vcflash::infer
