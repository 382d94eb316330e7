#include <own_evaluation.hpp>  // from docs/evaluation.md

#include <catch2/catch_test_macros.hpp>
#include <filesystem>

#include <vcflash/app/trained_model.hpp>

#include "tests/app/tiny_run.hpp"

using namespace vcflash;

TEST_CASE("the evaluation of docs/evaluation.md asks what the program asks", "[e2e]") {
  test::TinyRun const run;
  auto const results = ask_shapes(run.at("base"), run.at("data"), run.at("own"));
  CHECK(results.at("model") == "tiny");
  CHECK(results.at("asked").get<std::size_t>() > 0);
  auto const outcome = run.evaluate("base");
  INFO(outcome.output);
  REQUIRE(outcome.exit_code == 0);
  CHECK(test::read_file(run.at("own/answers.jsonl")) ==
        test::read_file(run.at("eval/answers.jsonl")));
  for (auto const& entry : std::filesystem::directory_iterator(run.at("own"))) {
    auto const name = entry.path().filename();
    CHECK((name == "answers.jsonl" || name == "results.json"));  // and no journal is left
  }
}
