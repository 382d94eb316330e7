#pragma once

#include <catch2/catch_test_macros.hpp>
#include <string>
#include <vector>

#include <vcflash/eval/candidate_choice.hpp>

#include "tests/eval/golden_rows.hpp"

/// What the golden data say of the benchmarks whose rows have candidates.
namespace vcflash::test {

/// An answer as a run grades it.
template <class B>
eval::Answer graded(B const& benchmark, eval::Row const& row, std::string const& response) {
  eval::Answer answer{.text = response};
  answer.parsed = benchmark.parse(row, answer.text);
  answer.score = benchmark.score(row, answer.parsed);
  return answer;
}

template <class B>
void check_candidates(std::string const& beginning) {
  for (auto const& file : golden_evaluations(beginning)) {
    INFO(file);
    B const benchmark;
    GoldenRows<B> const golden(file);
    check_tasks(B::tasks(), golden.meta().at("tasks"));
    check_questions(benchmark, golden);

    std::vector<eval::Row> rows;
    std::vector<eval::Answer> answers;
    for (auto const& sample : golden.samples()) {
      INFO(sample.dump());
      auto const& row = golden.row_of(sample);
      auto const answer = graded(benchmark, row, sample.at("response"));
      auto const parsed = sample.at("parsed").is_null() ? "" : sample.at("parsed");
      CHECK(answer.parsed == parsed);
      CHECK(answer.score == sample.at("score"));
      CHECK(sample.at("counts") == !answer.text.empty());
      auto const letter = eval::right_letter(row);
      CHECK(letter.has_value() == !sample.at("gt_letter").is_null());
      if (letter) {
        CHECK(*letter == sample.at("gt_letter"));
        CHECK(eval::normalized_choice(*letter) == sample.at("gt_parsed"));
      } else {
        CHECK(sample.at("gt_parsed").is_null());
      }
      rows.push_back(row);
      answers.push_back(answer);
    }
    auto const scores = benchmark.aggregate(rows, answers);
    auto const& group = golden.meta().at("group");
    CHECK(golden.meta().at("task_group") == B::name);
    CHECK(group.at("name") == B::name);
    CHECK_THAT(scores.value, near(group.at("value")));
    CHECK_THAT(scores.spread.value(), near(group.at("stderr")));
    CHECK(scores.questions == group.at("samples"));
    auto const& tasks = golden.meta().at("aggregate");
    REQUIRE(tasks.size() == scores.group("by_task").lines.size());
    for (std::size_t i = 0; i < tasks.size(); ++i) {
      auto const& expected = tasks[i];
      CHECK(expected.at("task") == group.at("order")[i]);
      CHECK(expected.at("task") == B::tasks()[i].name);
      auto const& task = scores.group("by_task").lines[i];
      CHECK(expected.at("task") == task.name);
      CHECK_THAT(task.value, near(expected.at("value")));
      CHECK(task.questions == expected.at("n"));
    }
    auto const empty = benchmark.aggregate({golden.rows[0]}, {eval::Answer{}});
    CHECK(empty.value == golden.meta().at("empty_only_aggregate"));
    CHECK(benchmark.aggregate({}, {}).value == golden.meta().at("no_samples_aggregate"));
  }
}

}  // namespace vcflash::test
