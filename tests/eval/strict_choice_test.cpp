#include <vcflash/eval/strict_choice.hpp>

#include <catch2/catch_test_macros.hpp>
#include <string>
#include <vector>

using vcflash::eval::strict_choice;

namespace {

using Options = std::vector<std::string>;

}  // namespace

TEST_CASE("a letter is read where it is meant as one", "[unit]") {
  Options const options{"a dog", "a cat", "two men", "None"};
  for (auto const* answer : {"B",
                             "b",
                             "(B)",
                             " b.",
                             "**B**",
                             "B. a cat",
                             "B) a cat",
                             "B: a cat",
                             "b) a cat",
                             "The answer is B",
                             "The best option is (B).",
                             "Option B is right",
                             "B is right",
                             "it is a cat",
                             "A CAT",
                             "答案是 B。",
                             "答案是B。",
                             "选B吧",
                             "Ｂ",
                             "（Ｂ）",
                             "Ⓑ",
                             "【B】",
                             "it is (b), I think",
                             "B\nbecause it meows",
                             "answer: b",
                             "the answer is b.",
                             "'B'",
                             "The answer is 'B'",
                             "\\boxed{B}",
                             "<answer>B</answer>"}) {
    INFO(answer);
    CHECK(strict_choice(answer, options) == "B");
  }
  for (auto const* answer : {"", "?", "E", "Because", "A man walks", "a dog and a cat", "I see",
                             "Z. nothing", "a T-shirt", "e.g. a bird", "a B-movie"}) {
    INFO(answer);
    CHECK(strict_choice(answer, options) == "");
  }
  CHECK(strict_choice("A", {}) == "");
}

TEST_CASE("A is a letter where it is said to be one, and I is no answer of its own", "[unit]") {
  Options const options{"a dog", "a cat", "two men", "none"};
  for (auto const* answer :
       {"The answer is A since the man waves, not B", "A and not B", "Option A shows it", "A",
        "A because it barks", "The correct choice would be A", "Answer: A, not B", "答案：A 因为",
        "option (a)"}) {
    INFO(answer);
    CHECK(strict_choice(answer, options) == "A");
  }
  CHECK(strict_choice("Answer: A cat sits there", options) == "B");
  Options const nine(9, "something");
  CHECK(strict_choice("I think it is the second", nine) == "");
  CHECK(strict_choice("I", nine) == "I");
}

TEST_CASE("an option's whole words are an answer, and the longer option's before a part of them",
          "[unit]") {
  CHECK(strict_choice("not sure", {"not sure", "yes", "no"}) == "A");
  CHECK(strict_choice("It cannot be known", {"yes", "no"}) == "");
  CHECK(strict_choice("dark red", {"red", "dark red"}) == "B");
  CHECK(strict_choice("It looks dark red to me.", {"red", "dark red"}) == "B");
  CHECK(strict_choice("It is red, not dark red", {"red", "dark red"}) == "");
  CHECK(strict_choice("the woman", {"man", "woman"}) == "B");
  CHECK(strict_choice("12", {"1", "2", "12"}) == "C");
  CHECK(strict_choice("There are 12.", {"1", "2", "12"}) == "C");
  CHECK(strict_choice("at 1.5 seconds", {"1", "5"}) == "");
  CHECK(strict_choice("Turn left and move forward.",
                      {"Move forward", "Turn left and move forward", "Stop"}) == "B");
  CHECK(strict_choice("A. Lincoln", {"B. Franklin", "A. Lincoln"}) == "B");
  CHECK(strict_choice("Two", {"A. Two.", "B. Three."}) == "A");
  CHECK(strict_choice("Five", {"(A) Two", "(B) Five"}) == "B");
  CHECK(strict_choice("那是一只猫。", {"狗", "猫"}) == "B");
  CHECK(strict_choice("two \n men", {"two men", "a man"}) == "A");
  CHECK(strict_choice("so" + std::string(20000, '!') + "yes", {"yes", "no"}) == "A");
  CHECK(strict_choice(std::string(20000, '!'), {"yes", "no"}) == "");
  CHECK(strict_choice("c", {"c", "a", "t"}) == "A");
  CHECK(strict_choice("C", {"c", "a", "t"}) == "C");
  CHECK(strict_choice("both \\E (sic", {"\\E (sic", "|"}) == "A");
}

TEST_CASE("what a model thinks aloud is no part of its answer", "[unit]") {
  Options const options{"a dog", "a cat"};
  CHECK(strict_choice("<think>It may be A.</think>\n\nB", options) == "B");
  CHECK(strict_choice("it may be A</think>a cat", options) == "B");
  CHECK(strict_choice("B <think>or is it A?", options) == "B");
  CHECK(strict_choice("<think>It is A, or", options) == "");
}
