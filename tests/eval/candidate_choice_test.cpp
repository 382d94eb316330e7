#include <vcflash/eval/candidate_choice.hpp>

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_floating_point.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>
#include <string>
#include <vector>

#include <vcflash/eval/benchmarks/mvbench.hpp>

#include "tests/eval/golden_candidates.hpp"

using namespace vcflash::eval;
using vcflash::test::graded;

TEST_CASE("graded strictly, an article is no answer and an empty answer is a wrong one", "[unit]") {
  MvBench benchmark;
  Row const row{.doc = {{"candidates", {"a dog", "a cat"}}, {"answer", "a dog"}}};
  std::vector<Answer> const upstream{graded(benchmark, row, "a cat"), graded(benchmark, row, "")};
  CHECK(benchmark.aggregate({row, row}, upstream).value == 100);
  benchmark.scoring = Scoring::strict;
  std::vector<Answer> const strict{graded(benchmark, row, "a cat"), graded(benchmark, row, "")};
  CHECK(strict[0].parsed == "B");
  CHECK(benchmark.aggregate({row, row}, strict).value == 0);
  std::vector<Answer> const right{graded(benchmark, row, "(A) a dog"), graded(benchmark, row, "")};
  CHECK(benchmark.aggregate({row, row}, right).value == 50);
}

TEST_CASE("a question whose video is broken is wrong by every rule, an empty answer by one",
          "[unit]") {
  MvBench benchmark;
  Row const row{.doc = {{"candidates", {"a dog", "a cat"}}, {"answer", "a dog"}}};
  std::vector<Row> const rows(10, row);
  for (auto const scoring : {Scoring::upstream, Scoring::strict}) {
    benchmark.scoring = scoring;
    std::vector<Answer> answers(10, graded(benchmark, row, "(A) a dog"));
    for (std::size_t i = 5; i < 10; ++i) answers[i] = Answer{.problem = "there is no video"};
    auto const scores = benchmark.aggregate(rows, answers);
    CHECK(scores.value == 50);
    auto const& task = scores.group("by_task").line("mvbench_action_antonym");
    CHECK(task.value == 50);
    CHECK(task.questions == 10);
    CHECK(task.broken == 5);
    answers[9] = graded(benchmark, row, "");
    CHECK_THAT(benchmark.aggregate(rows, answers).value,
               Catch::Matchers::WithinAbs(scoring == Scoring::upstream ? 500. / 9 : 50, 1e-9));
  }
}

TEST_CASE(
    "graded strictly, both of two equal candidates are right, and letters before them are none",
    "[unit]") {
  MvBench benchmark;
  benchmark.scoring = Scoring::strict;
  Row const twice{.doc = {{"candidates", {"a dog", "a cat", "a dog"}}, {"answer", "a dog"}}};
  for (auto const* answer : {"A", "C", "a dog"}) {
    CHECK(graded(benchmark, twice, answer).score == 1);
  }
  CHECK(graded(benchmark, twice, "B").score == 0);
  Row const labelled{.doc = {{"candidates", {"(A) Two", "(B) Five"}}, {"answer", "(B) Five"}}};
  CHECK(graded(benchmark, labelled, "Five").score == 1);
  CHECK(graded(benchmark, labelled, "(B)").score == 1);
}

TEST_CASE("an answer that is none of the candidates is doubted, and nothing is right", "[unit]") {
  MvBench const benchmark;
  Row const row{.doc = {{"candidates", {"a dog", "a cat"}}, {"answer", "a bird"}}};
  CHECK_THAT(benchmark.doubt(row), Catch::Matchers::ContainsSubstring("\"a bird\""));
  CHECK(graded(benchmark, row, "A").score == 0);
  CHECK(benchmark.doubt({.doc = {{"candidates", {"a dog"}}, {"answer", "a dog"}}}).empty());
}

TEST_CASE("upstream's normalizer takes an article for a letter and drops 32 periods", "[unit]") {
  CHECK(normalized_choice("It is a dog") == "A");
  CHECK(normalized_choice("B. because") == "B");
  CHECK(normalized_choice("(c)") == "C");
  CHECK(normalized_choice("选B吧") == "选b吧");
  CHECK(normalized_choice("F") == "f");
  CHECK(normalized_choice(std::string(40, '.')) == std::string(8, '.'));
}
