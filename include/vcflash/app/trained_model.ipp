#pragma once

#include <string_view>

#include <fmt/format.h>

#include <vcflash/app/trained_model.hpp>
#include <vcflash/meta/error.hpp>

namespace vcflash::app {

VCFLASH_INLINE text::Tokenizer tokenizer_for(LlmConfig const& llm,
                                             std::filesystem::path const& folder) {
  auto tokenizer = text::Tokenizer::from_folder(folder);
  if (tokenizer.vocabulary() > llm.vocabulary) {
    throw InputError(fmt::format("{}: the tokenizer has {} tokens, but {} has rows for {} only.",
                                 folder.string(), tokenizer.vocabulary(),
                                 std::string_view(llm.name), llm.vocabulary));
  }
  return tokenizer;
}

}  // namespace vcflash::app
