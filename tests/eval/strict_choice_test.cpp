#include <vcflash/eval/strict_choice.hpp>

#include <catch2/catch_test_macros.hpp>
#include <string>
#include <vector>

using vcflash::eval::strict_choice;

TEST_CASE("a letter is read where it is meant as one", "[unit]") {
  std::vector<std::string> const options{"a dog", "a cat", "two men", "None"};
  for (auto const* answer : {"B", "b", "(B)", " b.", "**B**", "B. a cat", "B) a cat", "B: a cat",
                             "The answer is B", "The best option is (B).", "Option B is right",
                             "B is right", "it is a cat", "A CAT", "答案是 B。"}) {
    INFO(answer);
    CHECK(strict_choice(answer, options) == "B");
  }
  for (auto const* answer :
       {"", "?", "E", "Because", "A man walks", "a dog and a cat", "I see", "Z. nothing"}) {
    INFO(answer);
    CHECK(strict_choice(answer, options) == "");
  }
  CHECK(strict_choice("A", {}) == "");
}
