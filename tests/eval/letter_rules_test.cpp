#include <vcflash/eval/letter_rules.hpp>

#include <catch2/catch_test_macros.hpp>
#include <string>
#include <vector>

using namespace vcflash::eval;

TEST_CASE("each of lmms-eval's rules finds a letter in its own way, and none where it would guess",
          "[unit]") {
  std::vector<std::string> const options{"a dog runs", "a cat", "the sky", "red", "up"};
  struct Case {
    LetterRule rule;
    char const* answer;
    char const* letter;
  };
  for (auto const& [rule, answer, letter] : std::vector<Case>{
           {LetterRule::nextqa, "(B) or (D)", "D"},
           {LetterRule::nextqa, "B or D it is", "D"},
           {LetterRule::nextqa, "it is here that we see the sky", "C"},
           {LetterRule::nextqa, "the sky", ""},
           {LetterRule::nextqa, "GUIDE me", "E"},
           {LetterRule::egoschema, "(B) or (D)", "B"},
           {LetterRule::egoschema, "C. or A", "C"},
           {LetterRule::egoschema, "it is here that we see the sky", "C"},
           {LetterRule::tempcompass, "B) a cat", "B"},
           {LetterRule::tempcompass, "B", "B"},
           {LetterRule::tempcompass, "(B)", ""},
           {LetterRule::tempcompass, "Because", ""},
           {LetterRule::tvbench, "see a dog", "A"},
           {LetterRule::tvbench, "I see a dog", ""},
           {LetterRule::tvbench, "Definitely", "D"},
           {LetterRule::tvbench, "THE  SKY", "C"},
           {LetterRule::tvbench, "yes", ""},
           {LetterRule::motionbench, "<think>B</think> the answer is f", "F"},
           {LetterRule::motionbench, "probably", "B"},
           {LetterRule::motionbench, "</think>", ""},
           {LetterRule::videomme_v2, "The answer is H.", "H"},
           {LetterRule::videomme_v2, "THEN", "H"},
           {LetterRule::videomme_v2, "no", ""},
       }) {
    INFO(static_cast<int>(rule) << ": " << answer);
    CHECK(letter_by(rule, answer, options) == letter);
  }
}
