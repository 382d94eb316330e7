#include <vcflash/app/report/comparison_page.hpp>

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>
#include <regex>
#include <string>
#include <vector>

#include "tests/support/folder.hpp"

using namespace vcflash;
using Catch::Matchers::ContainsSubstring;

namespace {

eval::Run run(test::TemporaryFolder const& folder, std::string const& name, double score,
              double share) {
  nlohmann::json line{{"id", "1"},        {"question", "what <is> it?"}, {"task", "t"},
                      {"video", "v.mp4"}, {"answer", name + " says"},    {"score", score}};
  if (name == "c") line["problem"] = "no video";
  folder.write(name + "/answers.jsonl", line.dump() + "\n");
  eval::Scores const scores{
      .value = share, .questions = 1, .groups = {{"by_task", {{"one", share, 1}}}}};
  nlohmann::json const results{{"benchmark", "b<1>"},
                               {"model", "m-" + name},
                               {"dtype", name == "c" ? "float32" : "bfloat16"},
                               {"scores", to_json(scores)}};
  folder.write(name + "/results.json", results.dump());
  return eval::read_run(folder / name);
}

}  // namespace

TEST_CASE("a page of several runs has scores, groups, agreement and every answer", "[unit]") {
  test::TemporaryFolder const folder;
  std::vector<eval::Run> const runs{run(folder, "a", 1, 0.5), run(folder, "b", 1, 0.625),
                                    run(folder, "c", 0, 0.25)};
  auto const page = app::comparison_page(runs, eval::compare_all(runs));
  std::regex const outside("(src|href)=\"(?!data:)|url\\(|@import|<script[^>]*src|<link");
  CHECK_FALSE(std::regex_search(page, outside));
  CHECK_THAT(page, ContainsSubstring("<h1>3 runs of b&lt;1&gt;</h1>") && ContainsSubstring("m-a") &&
                       ContainsSubstring("62.5&thinsp;%") && ContainsSubstring("dtype differs"));
  CHECK_THAT(page, ContainsSubstring("How often two agree") &&
                       ContainsSubstring("\"columns\":[\"A\",\"B\",\"C\"]"));
  CHECK_THAT(page, ContainsSubstring("b says") && ContainsSubstring("no video") &&
                       ContainsSubstring("what \\u003cis> it?"));
  std::vector<eval::Run> const two(runs.begin(), runs.begin() + 2);
  CHECK_THAT(app::comparison_page(two, eval::compare_all(two)), !ContainsSubstring("agree"));
}
