#include <vcflash/app/report/results_files.hpp>

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include "tests/support/folder.hpp"

using namespace vcflash;
using Catch::Matchers::ContainsSubstring;

TEST_CASE("what a run left is read, and what is missing or malformed is named", "[unit]") {
  test::TemporaryFolder const folder;
  folder.write("all.json", "{\"steps\": 3}");
  folder.write("cut.json", "{\"steps\": ");
  folder.write("steps.jsonl", "{\"step\":1}\n{\"step\":2}\n");
  folder.write("cut.jsonl", "{\"step\":1}\n{\"st");
  CHECK(app::read_results(folder / "all.json").at("steps") == 3);
  CHECK(app::read_results_lines(folder / "steps.jsonl").at(1).at("step") == 2);
  CHECK_THROWS_WITH(app::read_results(folder / "none.json"), ContainsSubstring("none.json"));
  CHECK_THROWS_WITH(app::read_results(folder / "cut.json"), ContainsSubstring("cut.json"));
  CHECK_THROWS_WITH(app::read_results_lines(folder / "none.jsonl"),
                    ContainsSubstring("none.jsonl"));
  CHECK_THROWS_WITH(app::read_results_lines(folder / "cut.jsonl"),
                    ContainsSubstring("cut.jsonl: line 2"));
}
