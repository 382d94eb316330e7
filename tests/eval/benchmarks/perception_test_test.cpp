#include <vcflash/eval/benchmarks/perception_test.hpp>

#include <catch2/catch_test_macros.hpp>
#include <string>
#include <vector>

#include "tests/eval/golden_rows.hpp"

using namespace vcflash::eval;
using vcflash::test::GoldenRows;

TEST_CASE("PerceptionTest asks and grades as upstream does", "[golden]") {
  for (auto const& file : vcflash::test::golden_evaluations("eval_perceptiontest")) {
    INFO(file);
    GoldenRows<PerceptionTest> const golden(file);
    PerceptionTest const benchmark;
    vcflash::test::check_tasks(PerceptionTest::tasks(), golden.meta().at("tasks"));
    vcflash::test::check_questions(benchmark, golden);
    std::vector<Row> rows;
    std::vector<Answer> answers;
    for (auto const& sample : golden.samples()) {
      INFO(sample.dump());
      rows.push_back(golden.row_of(sample));
      Answer answer{.text = sample.at("response")};
      answer.parsed = benchmark.parse(rows.back(), answer.text);
      answer.score = benchmark.score(rows.back(), answer.parsed);
      CHECK(PerceptionTest::chosen(answer.parsed) == sample.at("pred_id"));
      CHECK(answer.score == sample.at("score"));
      answers.push_back(answer);
    }
    CHECK(golden.meta().at("aggregate_is_fraction") == true);
    CHECK_THAT(benchmark.aggregate(rows, answers).value,
               vcflash::test::near(golden.meta().at("aggregate")));
  }
}

TEST_CASE("graded strictly, an option's words are an answer", "[unit]") {
  PerceptionTest benchmark;
  Row const row{.doc = {{"options", {"a plate", "an apple", "a book"}}, {"answer_id", "1"}}};
  CHECK(benchmark.score(row, benchmark.parse(row, "it is an apple")) == 0);
  benchmark.scoring = Scoring::strict;
  CHECK(benchmark.score(row, benchmark.parse(row, "it is an apple")) == 1);
}

TEST_CASE("where the right option is not known no answer is right", "[unit]") {
  PerceptionTest benchmark;
  for (nlohmann::json const& unknown : {nlohmann::json(-1), nlohmann::json("-1")}) {
    Row const row{.doc = {{"options", {"a plate", "a book"}}, {"answer_id", unknown}}};
    for (auto const scoring : {Scoring::upstream, Scoring::strict}) {
      benchmark.scoring = scoring;
      CHECK(benchmark.score(row, benchmark.parse(row, "?")) == 0);
      CHECK(benchmark.score(row, benchmark.parse(row, "A")) == 0);
    }
    CHECK_FALSE(benchmark.doubt(row).empty());
  }
}
