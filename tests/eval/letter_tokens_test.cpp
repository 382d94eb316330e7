#include <vcflash/eval/letter_tokens.hpp>

#include <catch2/catch_test_macros.hpp>
#include <string>
#include <vector>

#include "tests/support/golden.hpp"

using namespace vcflash;

TEST_CASE("an option's letter is a token, as it is and behind a blank", "[unit]") {
  auto const tokenizer =
      text::Tokenizer::from_folder(test::golden_folder("data/tokenizer/tiny512"));
  auto const tokens = eval::letter_tokens(tokenizer, 4);
  std::string letters;
  for (auto const id : tokens) {
    auto const text = tokenizer.decode(std::vector{id});
    CHECK((text.size() == 1 || (text.size() == 2 && text.front() == ' ')));
    letters += text.back();
  }
  CHECK(letters.front() == 'A');
  CHECK(letters.back() == 'D');
  CHECK(letters.find('B') != letters.npos);
  CHECK(eval::letter_tokens(tokenizer, 0).empty());
}
