#include <algorithm>
#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <string>

#include "tests/support/folder.hpp"
#include "tests/support/program.hpp"

using namespace vcflash;
using Catch::Matchers::ContainsSubstring;

namespace {

/// Runs apps/demo with the programs that are built.
test::Outcome run_demo(std::vector<std::string> arguments) {
  char const* const given = std::getenv("VCFLASH_BIN");
  auto const bin = given ? std::string(given) : (test::source_root() / "build/bin").string();
  arguments.insert(arguments.begin(), (test::source_root() / "apps/demo").string());
  return test::run_program(arguments, "VCFLASH_BIN='" + bin + "'");
}

}  // namespace

TEST_CASE("a quick demo goes through everything and leaves what a long one leaves", "[e2e]") {
  test::TemporaryFolder const folder;
  auto const out = (folder / "demo").string();
  auto const outcome = run_demo({"--quick", "--seed", "2", "--out", out});
  INFO(outcome.output);
  REQUIRE(outcome.exit_code == 0);
  auto const results = nlohmann::json::parse(test::read_file(out + "/results.json"));
  CHECK(results["seed"] == 2);
  CHECK(results["stages"].size() == 4);
  for (auto const* key : {"accuracy", "control"}) {
    for (auto const* kind : {"all", "colour", "shape", "direction", "order", "count"}) {
      CHECK(results[key].contains(kind));
    }
  }
  for (auto const& stage : results["stages"]) {
    CHECK(stage["steps"].get<int>() > 0);
    CHECK(stage["trained_parameters"].get<int>() > 0);
  }
  for (auto const* name :
       {"report.html", "data/stage4.yaml", "base/config.json", "stage1/mm_projector.bin",
        "stage2/model.safetensors", "stage3/model.safetensors", "stage4/model.safetensors",
        "stage4/tokenizer.json", "eval/answers.jsonl", "logs/stage-2.log"}) {
    CHECK(std::filesystem::exists(out + "/" + name));
  }
  // The last four lines: what was learned, how well, how long, where to look.
  auto const last = outcome.output.substr(outcome.output.rfind("learned   "));
  CHECK(std::ranges::count(last, '\n') == 4);
  CHECK_THAT(last, ContainsSubstring("report.html"));
}

TEST_CASE("a demo touches no folder that holds other things", "[e2e]") {
  test::TemporaryFolder const folder;
  folder.write("data/precious.txt", "x");
  auto const outcome = run_demo({"--out", folder.path().string()});
  CHECK(outcome.exit_code == 2);
  CHECK(std::filesystem::exists(folder / "data/precious.txt"));
  CHECK(run_demo({"--seed", "many"}).exit_code == 2);
  CHECK(run_demo({"--fast"}).exit_code == 2);
}
