#pragma once

#include <vcflash/base/error.hpp>
#include <vcflash/llms/decoder_layer.hpp>

#include <algorithm>
#include <cstdint>
#include <string_view>

namespace vcflash::infer {

/// How many tokens a language model was made for, the stretching of its positions included.
constexpr std::int64_t longest_prompt(LlmConfig const& llm) {
  if (!llm.yarn.stretches()) return llm.max_positions;
  auto const stretched = llm.yarn.factor * static_cast<double>(llm.yarn.original_positions);
  return std::max(llm.max_positions, static_cast<std::int64_t>(stretched));
}

/// \param advice what to do about it, behind the sentence
/// \throws Error if a prompt is longer than that; upstream would silently cut off its end, which is
/// the question
template <class E = Error>
void require_fits(LlmConfig const& llm, std::int64_t tokens, std::string_view advice = "") {
  if (tokens > longest_prompt(llm)) {
    fail<E>("the prompt has ", tokens, " tokens, and ", std::string_view(llm.name), " takes ",
            longest_prompt(llm), " at most", advice);
  }
}

}  // namespace vcflash::infer
