#include <vcflash/app/report/demo_results.hpp>

#include <algorithm>
#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>
#include <string>

#include "tests/app/report/demo_folder.hpp"

using namespace vcflash;
using nlohmann::json;
using test::Demo;

TEST_CASE("the demo's results say what was learned, how well and for how long", "[unit]") {
  Demo const demo;
  auto results = app::gather_demo(demo.folder.path());
  results.seed = 3;
  results.seconds = 50;
  results.machine = "2 cores";
  auto const written = app::to_json(results);
  json const expected = json::parse(R"({"seed": 3, "accuracy": {"all": 0.75, "colour": 0.75},
    "control": {"all": 0.25, "colour": 0.25}, "reversed_direction": 0.9, "samples": 4,
    "stages": [
      {"name": "stage1", "steps": 10, "seconds": 30.0, "loss_first": 5.0, "loss_last": 0.5,
       "trained_parameters": 33024},
      {"name": "stage2", "steps": 20, "seconds": 60.0, "loss_first": 5.0, "loss_last": 0.5,
       "trained_parameters": 33024},
      {"name": "stage3", "steps": 30, "seconds": 90.0, "loss_first": 5.0, "loss_last": 0.5,
       "trained_parameters": 33024},
      {"name": "stage4", "steps": 40, "seconds": 120.0, "loss_first": 5.0, "loss_last": 0.5,
       "trained_parameters": 33024}],
    "seconds": 50.0, "machine": "2 cores"})");
  CHECK(json::parse(written.dump()) == expected);
  auto const lines = app::last_lines(results, demo.folder.path());
  CHECK(std::ranges::count(lines, '\n') == 4);
  CHECK_THAT(lines, Catch::Matchers::ContainsSubstring("75.0 % of 4 held-out questions"));
}

TEST_CASE("a demo that did not get so far is refused by the missing file's name", "[unit]") {
  Demo const demo;
  std::filesystem::remove(demo.folder / "stage3/training.json");
  CHECK_THROWS_WITH(app::gather_demo(demo.folder.path()),
                    Catch::Matchers::ContainsSubstring("stage3/training.json"));
}
