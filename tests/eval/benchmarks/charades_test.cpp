#include <vcflash/eval/benchmarks/charades.hpp>

#include <catch2/catch_test_macros.hpp>
#include <string>
#include <vector>

#include "tests/eval/golden_rows.hpp"

using namespace vcflash::eval;
using vcflash::test::GoldenRows;

TEST_CASE("Charades asks and grades as upstream does", "[golden]") {
  for (auto const& file : vcflash::test::golden_evaluations("eval_temporal_grounding_charades")) {
    INFO(file);
    GoldenRows<Charades> const golden(file);
    Charades const benchmark;
    vcflash::test::check_tasks(Charades::tasks(), golden.meta().at("tasks"));
    vcflash::test::check_questions(benchmark, golden);
    for (std::size_t i = 0; i < golden.rows.size(); ++i) {
      CHECK(Charades::submission_key(golden.rows[i]) == golden.doc(i).at("submission_key"));
    }
    for (auto const& pair : golden.meta().at("iou")) {
      auto const span = [&](char const* name) {
        return TimeSpan{pair.at(name)[0].get<double>(), pair.at(name)[1].get<double>()};
      };
      CHECK_THAT(intersection_over_union(span("a"), span("b")),
                 vcflash::test::near(pair.at("iou")));
    }

    std::vector<Answer> answers;
    for (auto const& sample : golden.samples()) {
      INFO(sample.dump());
      Row const& row = golden.row_of(sample);
      Answer answer{.text = sample.at("response")};
      answer.parsed = benchmark.parse(row, answer.text);
      answer.score = benchmark.score(row, answer.parsed);
      answers.push_back(answer);
      if (sample.contains("error")) {
        CHECK_THROWS_AS(upstream_span(answer.text), vcflash::InputError);
        CHECK(answer.score == 0);
        continue;
      }
      auto const span = upstream_span(answer.text);
      auto extracted = nlohmann::json::array();
      if (span) extracted.push_back({span->start, span->end});
      CHECK(extracted == nlohmann::json(sample.at("extracted")));
      auto const used = Charades::used(row, answer.parsed);
      CHECK(nlohmann::json{used.start, used.end} == nlohmann::json(sample.at("used")));
      CHECK_THAT(answer.score, vcflash::test::near(sample.at("iou")));
      CHECK(sample.at("hit").size() == overlap_thresholds.size());
      for (double const threshold : overlap_thresholds) {
        CHECK(sample.at("hit").at(fmt::format("{}", threshold)) == (answer.score >= threshold));
      }
    }
    for (auto const& run : golden.meta().at("aggregate")) {
      std::vector<Row> rows;
      std::vector<Answer> chosen;
      for (std::size_t const i : run.at("samples").get<std::vector<std::size_t>>()) {
        rows.push_back(golden.row_of(golden.samples()[i]));
        chosen.push_back(answers[i]);
      }
      auto const scores = benchmark.aggregate(rows, chosen);
      CHECK(scores.questions == run.at("n"));
      for (double const threshold : overlap_thresholds) {
        auto const key = fmt::format("IOU {}", threshold);
        CHECK_THAT(scores.group("by_overlap").line(key).value, vcflash::test::near(run.at(key)));
      }
    }
  }
}

TEST_CASE("graded strictly, minutes are read and a word's letters are no dash", "[unit]") {
  Charades benchmark;
  Row const row{.doc = {{"timestamp", {5.0, 65.0}}, {"video", "a.mp4"}, {"caption", "x"}}};
  benchmark.scoring = Scoring::strict;
  CHECK(benchmark.parse(row, "from 0:05 until 1:05") == "[5.0,65.0]");
  CHECK(benchmark.parse(row, "between 5 and 65 seconds") == "[5.0,65.0]");
  CHECK(benchmark.score(row, "[5.0,65.0]") == 1);
  CHECK(benchmark.score(row, benchmark.parse(row, "no idea")) == 0);
}
