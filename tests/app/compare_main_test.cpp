#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

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
  folder.write("a/answers.jsonl", answers("000000000000000000000011"));
  folder.write("b/answers.jsonl", answers("111111111111111111111101"));
  auto const a = (folder / "a").string(), b = (folder / "b").string();
  auto const words = test::run_program({"compare", a, b, "--changes", "23"});
  CHECK(words.exit_code == 0);
  CHECK_THAT(words.output, ContainsSubstring("24 questions about 12 videos") &&
                               ContainsSubstring("B is better") &&
                               ContainsSubstring("23 questions changed: 22 better in B, 1 worse") &&
                               ContainsSubstring("- q22: \"A\" became \"B\""));
  CHECK_THAT(test::run_program({"compare", a, b, "--changes", "2"}).output,
             ContainsSubstring("and 21 more"));
  CHECK_THAT(test::run_program({"compare", a, a}).output,
             ContainsSubstring("A tie: no question's score changed"));
  auto const json = nlohmann::json::parse(test::run_program({"compare", a, b, "--json"}).output);
  CHECK(json.at("changes").size() == 23);
  CHECK(json.at("difference").at("low") > 0);
}

TEST_CASE("several evaluations are held against the first, and a page shows every answer",
          "[e2e]") {
  test::TemporaryFolder const folder;
  folder.write("a/answers.jsonl", answers("000000000000000000000011"));
  folder.write("b/answers.jsonl", answers("111111111111111111111101"));
  folder.write("c/answers.jsonl", answers("000000000000000000000111"));
  std::vector<std::string> command{"compare"};
  for (auto const* run : {"a", "b", "c"}) command.push_back((folder / run).string());
  command.insert(command.end(), {"--page", (folder / "runs.html").string()});
  auto const words = test::run_program(command);
  INFO(words.output);
  CHECK(words.exit_code == 0);
  CHECK_THAT(words.output, ContainsSubstring("B - A") && ContainsSubstring("B is better.") &&
                               ContainsSubstring("C - A") && ContainsSubstring("runs.html"));
  CHECK_THAT(test::read_file(folder / "runs.html"), ContainsSubstring("3 runs of evaluations"));
  command.resize(4);
  command.emplace_back("--json");
  auto const json = nlohmann::json::parse(test::run_program(command).output);
  CHECK(json.at("runs").size() == 3);
  CHECK(json.at("with_first").size() == 2);
}

TEST_CASE("of few videos there is no verdict, and what a model said cannot write on the terminal",
          "[e2e]") {
  test::TemporaryFolder const folder;
  nlohmann::json line{{"id", "q"}, {"video", "v"}, {"answer", "a"}, {"score", 0}};
  folder.write("a/answers.jsonl", line.dump() + "\n");
  line["score"] = 1;
  line["answer"] = "\x1B[2Jb\nc";
  folder.write("b/answers.jsonl", line.dump() + "\n");
  auto const outcome =
      test::run_program({"compare", (folder / "a").string(), (folder / "b").string()});
  CHECK_THAT(outcome.output, ContainsSubstring("Of less than 10 videos") &&
                                 ContainsSubstring("became \"?[2Jb?c\"") &&
                                 !ContainsSubstring("is better"));
}

TEST_CASE("comparing what is no evaluation ends with 2", "[e2e]") {
  test::TemporaryFolder const folder;
  auto const outcome = test::run_program({"compare", folder.path().string(), "none"});
  CHECK(outcome.exit_code == 2);
  CHECK_THAT(outcome.output, ContainsSubstring("answers.jsonl"));
  CHECK(test::run_program({"compare"}).exit_code == 2);
}
