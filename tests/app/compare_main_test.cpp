#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>
#include <nlohmann/json.hpp>
#include <string>

#include "tests/support/folder.hpp"
#include "tests/support/program.hpp"

using namespace vcflash;
using Catch::Matchers::ContainsSubstring;

namespace {

std::string answers(std::string const& scores) {
  std::string lines;
  for (std::size_t i = 0; i < scores.size(); ++i) {
    lines += nlohmann::json{{"id", "q" + std::to_string(i)},
                            {"video", std::to_string(i / 2)},
                            {"answer", scores[i] == '1' ? "A" : "B"},
                            {"score", scores[i] == '1' ? 1 : 0}}
                 .dump() +
             "\n";
  }
  return lines;
}

}  // namespace

TEST_CASE("two evaluations are compared in words and as JSON", "[e2e]") {
  test::TemporaryFolder const folder;
  folder.write("a/answers.jsonl", answers("00000000000011"));
  folder.write("b/answers.jsonl", answers("11111111111101"));
  auto const a = (folder / "a").string(), b = (folder / "b").string();
  auto const words = test::run_program({"compare", a, b});
  CHECK(words.exit_code == 0);
  CHECK_THAT(words.output, ContainsSubstring("14 questions about 7 videos") &&
                               ContainsSubstring("B is better") &&
                               ContainsSubstring("13 questions changed: 12 better in B, 1 worse") &&
                               ContainsSubstring("- q12: \"A\" became \"B\""));
  CHECK_THAT(test::run_program({"compare", a, b, "--changes", "2"}).output,
             ContainsSubstring("and 11 more"));
  CHECK_THAT(test::run_program({"compare", a, a}).output, ContainsSubstring("Chance alone"));
  auto const json = nlohmann::json::parse(test::run_program({"compare", a, b, "--json"}).output);
  CHECK(json.at("changes").size() == 13);
  CHECK(json.at("difference").at("low") > 0);
}

TEST_CASE("comparing what is no evaluation ends with 2", "[e2e]") {
  test::TemporaryFolder const folder;
  auto const outcome = test::run_program({"compare", folder.path().string(), "none"});
  CHECK(outcome.exit_code == 2);
  CHECK_THAT(outcome.output, ContainsSubstring("answers.jsonl"));
  CHECK(test::run_program({"compare"}).exit_code == 2);
}
