#include <algorithm>
#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>
#include <nlohmann/json.hpp>
#include <string>

#include "tests/app/tiny_run.hpp"

using namespace vcflash;
using Catch::Matchers::ContainsSubstring;

TEST_CASE("an evaluation writes every answer, and the same ones again", "[e2e]") {
  test::TinyRun const run;
  auto const outcome = run.evaluate("base");
  INFO(outcome.output);
  REQUIRE(outcome.exit_code == 0);
  auto const results = nlohmann::json::parse(test::read_file(run.at("eval/results.json")));
  auto const answers = test::read_file(run.at("eval/answers.jsonl"));
  CHECK(std::ranges::count(answers, '\n') == results.at("asked").get<std::int64_t>());
  for (auto const* kind : {"all", "colour", "shape", "direction", "order", "count"}) {
    CHECK(results["scores"]["accuracy"].contains(kind));
    CHECK(results["scores"]["control"].contains(kind));
  }
  CHECK(results["scores"]["reversed"].contains("direction"));
  CHECK(results["broken"].empty());
  REQUIRE(run.evaluate("base").exit_code == 0);
  CHECK(test::read_file(run.at("eval/answers.jsonl")) == answers);
}

TEST_CASE("a broken video is named and counted as wrong, and the rest is asked", "[e2e]") {
  test::TinyRun const run;
  run.folder.write("data/shapes/clips/000002.mp4", "no video");
  auto const outcome = run.evaluate("base");
  CHECK(outcome.exit_code == 0);
  CHECK_THAT(outcome.output, ContainsSubstring("000002.mp4"));
  auto const results = nlohmann::json::parse(test::read_file(run.at("eval/results.json")));
  CHECK_FALSE(results["broken"].empty());
  CHECK(results["broken"].size() < results["asked"].get<std::size_t>());
}

TEST_CASE("an evaluation of nothing it knows ends with 2", "[e2e]") {
  test::TinyRun const run;
  auto const unknown = run.evaluate("base", {"--benchmark", "riddles"});
  CHECK(unknown.exit_code == 2);
  CHECK_THAT(test::run_program({"eval-tiny", "--model", run.at("base"), "--benchmark", "riddles",
                                "--data", run.at("data"), "--out", run.at("eval")})
                 .output,
             ContainsSubstring("riddles") && ContainsSubstring("shapes"));
  CHECK(run.evaluate("data").exit_code == 2);
  CHECK(test::run_program({"eval-tiny"}).exit_code == 2);
  CHECK_FALSE(std::filesystem::exists(run.at("eval/results.json")));
}
