#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include <vcflash/base/error.hpp>
#include <vcflash/text/tokenizer.hpp>

namespace vcflash::eval {

/// The tokens by which an answer can begin with the letter of one of so many options: each as it is
/// and behind a blank, where that is one token.
/// \param options up to 26
/// \throws Error if the tokenizer has no token for a letter
inline std::vector<std::int64_t> letter_tokens(text::Tokenizer const& tokenizer,
                                               std::size_t options) {
  std::vector<std::int64_t> tokens;
  for (std::size_t option = 0; option < options; ++option) {
    std::string const letter(1, static_cast<char>('A' + static_cast<char>(option)));
    auto const before = tokens.size();
    for (auto const& text : {letter, " " + letter}) {
      auto const ids = tokenizer.encode(text);
      if (ids.size() == 1) tokens.push_back(ids.front());
    }
    if (tokens.size() == before) {
      fail("the tokenizer has no token that is the letter ", letter, ", whose likelihood is asked");
    }
  }
  return tokens;
}

}  // namespace vcflash::eval
