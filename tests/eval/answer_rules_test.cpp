#include <vcflash/eval/answer_rules.hpp>

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_floating_point.hpp>
#include <string>

using namespace vcflash::eval;
using Catch::Matchers::WithinAbs;

namespace {

double score(BenchmarkSpec const& spec, FileQuestion const& question, std::string const& answer) {
  return score_of(spec, question, parsed_answer(spec, question, answer, Scoring::strict));
}

BenchmarkSpec by(AnswerRule rule) {
  BenchmarkSpec spec;
  spec.score.rule = rule;
  return spec;
}

}  // namespace

TEST_CASE("a choice is graded strictly, or as lmms-eval would", "[unit]") {
  auto spec = by(AnswerRule::choice);
  FileQuestion const question{
      .options = {"a dog", "a cat"}, .given = {"a dog", "a cat"}, .right = {"B"}};
  CHECK(score(spec, question, "(b)") == 1);
  CHECK(score(spec, question, "it is a cat") == 1);
  CHECK(score(spec, question, "Because of that") == 0);
  spec.score.lmms_eval = LetterRule::videomme_v2;
  CHECK(parsed_answer(spec, question, "Because of that", Scoring::upstream) == "B");
  CHECK(parsed_answer(spec, question, "Because of that", Scoring::strict).empty());
}

TEST_CASE("an exact answer is the right words in any case, with marks around them", "[unit]") {
  auto const spec = by(AnswerRule::exact);
  FileQuestion const question{.right = {"Red Car", "automobile"}};
  CHECK(score(spec, question, " red   car.") == 1);
  CHECK(score(spec, question, "\"Automobile!\"") == 1);
  CHECK(score(spec, question, "a red car") == 0);
  CHECK(score(spec, question, "?") == 0);
}

TEST_CASE("an answer contains the right words only as whole words", "[unit]") {
  auto const spec = by(AnswerRule::contains);
  FileQuestion const question{.right = {"cat"}};
  CHECK(score(spec, question, "I see a CAT, and a dog.") == 1);
  CHECK(score(spec, question, "a catalogue, then a cat") == 1);
  CHECK(score(spec, question, "a catalogue") == 0);
  CHECK(score(spec, question,
              "a b\xC3\xA9"
              "cat") == 0);
  CHECK(score(spec, question, "<think>a cat ?</think>a dog") == 0);
  CHECK(score(spec, {.right = {"?"}}, "what?") == 0);
}

TEST_CASE("a number is right within its tolerances", "[unit]") {
  auto spec = by(AnswerRule::number);
  FileQuestion const question{.number = 1000};
  CHECK(score(spec, question, "There are 1,000 of 2,000.") == 1);
  CHECK(score(spec, question, "1001") == 0);
  CHECK(score(spec, question, "none") == 0);
  CHECK(score(spec, question, "<think>3 and 4</think>1000") == 1);
  CHECK(score(spec, {.number = -3}, "-3 degrees") == 1);
  CHECK(score(spec, {.number = 3}, "room-3") == 1);
  spec.score.tolerance = 1;
  CHECK(score(spec, question, "1001") == 1);
  spec.score.relative_tolerance = 0.1;
  CHECK(score(spec, question, "900") == 1);
  CHECK(score(spec, question, "899") == 0);
  CHECK(score(spec, question, std::string(400, '9')) == 0);
}

TEST_CASE("mean relative accuracy counts the thresholds that a number is near enough for",
          "[unit]") {
  auto spec = by(AnswerRule::number);
  spec.score.mean_relative_accuracy = true;
  FileQuestion const question{.number = 10};
  CHECK(score(spec, question, "10") == 1);
  CHECK_THAT(score(spec, question, "12"), WithinAbs(0.7, 1e-12));  // off by 0.2: up to 0.8
  CHECK(score(spec, question, "5") == 0.1);
  CHECK(score(spec, question, "4.9") == 0);
  CHECK(score(spec, {.number = 0}, "0") == 1);
}

TEST_CASE("a span is worth its overlap with the right one", "[unit]") {
  auto const spec = by(AnswerRule::span);
  FileQuestion const question{.span = {10, 20}};
  CHECK(score(spec, question, "from 10 to 20 s") == 1);
  CHECK(score(spec, question, "0:15 - 0:25") == 5.0 / 15);
  CHECK(score(spec, question, "no idea") == 0);
  CHECK(score(spec, question, "3 - " + std::string(400, '9')) == 0);
}
