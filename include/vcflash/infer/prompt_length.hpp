#pragma once

#include <vcflash/base/error.hpp>
#include <vcflash/llms/language_model.hpp>

#include <cstdint>
#include <string_view>

namespace vcflash::infer {

/// \param advice what to do about it, behind the sentence
/// \throws Error if a prompt is longer than that; upstream would silently cut off its end, which is
/// the question
template <class E = Error>
void require_fits(LlmFacts const& llm, std::int64_t tokens, std::string_view advice = "") {
  if (tokens > llm.longest_input()) {
    fail<E>("the prompt has ", tokens, " tokens, and ", llm.name, " takes ", llm.longest_input(),
            " at most", advice);
  }
}

}  // namespace vcflash::infer
