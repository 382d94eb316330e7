#include <vcflash/eval/all_benchmarks.hpp>
#include <vcflash/eval/regrade.hpp>

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>

#include "tests/support/folder.hpp"
#include "tests/support/program.hpp"

using namespace vcflash;
using Catch::Matchers::ContainsSubstring;

TEST_CASE("answers are graded again by the other rule, with a report", "[e2e]") {
  test::TemporaryFolder const folder;
  folder.write("data/mc_question_val.json", R"([
    {"video_name": "v", "question": "q", "options": ["a dog", "a cat"], "answer_id": "1"}])");
  std::filesystem::create_directories(folder / "run");
  eval::ExamOptions const options{.data = folder / "data"};
  auto const exam = eval::open_exam("perceptiontest_val_mc", options);
  nlohmann::ordered_json about{{"model", "tiny"},
                               {"folder", "base"},
                               {"dtype", "float32"},
                               {"frames", {{"least", 4}, {"most", 8}, {"sampling", "middle"}}}};
  about["source"] = eval::source_of("perceptiontest_val_mc", options);
  eval::write_results(folder / "run", *exam, eval::Scoring::upstream, {{.text = "a cat"}}, about);

  auto const run = (folder / "run").string();
  auto const outcome = test::run_program({"grade", run, "--scoring", "strict"});
  INFO(outcome.output);
  CHECK(outcome.exit_code == 0);
  CHECK_THAT(outcome.output, ContainsSubstring("1 of 1 questions have another score") &&
                                 ContainsSubstring("mean score 0.0000 before, 1.0000 now"));
  CHECK(nlohmann::json::parse(test::read_file(folder / "run/results.json"))["scores"]["value"] ==
        1);
  CHECK(std::filesystem::exists(folder / "run/report.html"));
}

TEST_CASE("grading what is no evaluation ends with 2", "[e2e]") {
  test::TemporaryFolder const folder;
  auto const outcome = test::run_program({"grade", folder.path().string()});
  CHECK(outcome.exit_code == 2);
  CHECK_THAT(outcome.output, ContainsSubstring("results.json"));
  CHECK(test::run_program({"grade"}).exit_code == 2);
}
