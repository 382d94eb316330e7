#include <vcflash/eval/candidate_choice.hpp>

#include <catch2/catch_test_macros.hpp>
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
  CHECK(benchmark.aggregate({row, row}, upstream).at("value") == 100);
  benchmark.scoring = Scoring::strict;
  std::vector<Answer> const strict{graded(benchmark, row, "a cat"), graded(benchmark, row, "")};
  CHECK(strict[0].parsed == "B");
  CHECK(benchmark.aggregate({row, row}, strict).at("value") == 0);
  std::vector<Answer> const right{graded(benchmark, row, "(A) a dog"), graded(benchmark, row, "")};
  CHECK(benchmark.aggregate({row, row}, right).at("value") == 50);
}

TEST_CASE("upstream's normaliser takes an article for a letter and drops 32 periods", "[unit]") {
  CHECK(normalised_choice("It is a dog") == "A");
  CHECK(normalised_choice("B. because") == "B");
  CHECK(normalised_choice("(c)") == "C");
  CHECK(normalised_choice("选B吧") == "选b吧");
  CHECK(normalised_choice("F") == "f");
  CHECK(normalised_choice(std::string(40, '.')) == std::string(8, '.'));
}
