#include <vcflash/eval/compare.hpp>

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>
#include <filesystem>
#include <string>
#include <vector>

#include "tests/support/folder.hpp"

using namespace vcflash::eval;
using Catch::Matchers::ContainsSubstring;

namespace {

Comparison compare(std::filesystem::path const& a, std::filesystem::path const& b) {
  return vcflash::eval::compare(read_run(a), read_run(b));
}

std::string line(std::string const& id, std::string const& video, double score,
                 bool counts = true) {
  nlohmann::json json{
      {"id", id}, {"video", video}, {"answer", score > 0 ? "A" : "B"}, {"score", score}};
  if (!counts) json["counts"] = false;
  return json.dump() + "\n";
}

}  // namespace

TEST_CASE("two runs are compared question by question", "[unit]") {
  vcflash::test::TemporaryFolder const folder;
  folder.write("a/answers.jsonl", line("1", "v", 0) + line("2", "v", 1) + line("3", "w", 1) +
                                      line("4", "x", 0) + line("5", "x", 0, false));
  folder.write("b/answers.jsonl", line("3", "w", 1) + line("2", "v", 1) + line("1", "v", 1) +
                                      line("6", "z", 1) + line("5", "x", 1, false));
  auto const comparison = compare(folder / "a", folder / "b");
  CHECK(comparison.questions == 3);
  CHECK(comparison.only_a == 1);
  CHECK(comparison.only_b == 1);
  CHECK(comparison.b.mean == 1);
  CHECK(comparison.difference.clusters == 2);
  CHECK(comparison.difference.mean > 0.3);
  REQUIRE(comparison.changes.size() == 1);
  CHECK(comparison.changes[0].id == "1");
  CHECK(comparison.changes[0].answer_b == "A");
  CHECK(to_json(comparison)["changes"][0]["score_b"] == 1);
  auto const same = compare(folder / "a", folder / "a");
  CHECK(same.difference.mean == 0);
  CHECK(same.changes.empty());
}

TEST_CASE("several runs are compared over what all answered", "[unit]") {
  vcflash::test::TemporaryFolder const folder;
  folder.write("a/answers.jsonl", line("1", "v", 0) + line("2", "w", 1) + line("3", "x", 1));
  folder.write("b/answers.jsonl", line("1", "v", 1) + line("2", "w", 1) + line("3", "x", 1));
  folder.write("c/answers.jsonl", line("2", "w", 0) + line("1", "v", 1));
  auto const all =
      compare_all({read_run(folder / "a"), read_run(folder / "b"), read_run(folder / "c")});
  CHECK(all.common == std::vector<std::string>{"1", "2"});
  CHECK(all.scores[0].mean == 0.5);
  CHECK(all.scores[1].mean == 1);
  REQUIRE(all.with_first.size() == 2);
  CHECK(all.with_first[0].questions == 3);
  CHECK(all.with_first[1].only_a == 1);
  CHECK(all.agreement == std::vector<std::vector<double>>{{1, 0.5, 0}, {0.5, 1, 0.5}, {0, 0.5, 1}});
  folder.write("d/answers.jsonl", line("3", "x", 1));
  CHECK_THROWS_WITH(
      compare_all({read_run(folder / "a"), read_run(folder / "c"), read_run(folder / "d")}),
      ContainsSubstring("in common"));
}

TEST_CASE("what cannot be compared is named", "[unit]") {
  vcflash::test::TemporaryFolder const folder;
  folder.write("a/answers.jsonl", line("1", "v", 0));
  folder.write("b/answers.jsonl", line("2", "v", 0));
  folder.write("c/answers.jsonl", "{}\n");
  CHECK_THROWS_WITH(compare(folder / "a", folder / "none"), ContainsSubstring("answers.jsonl"));
  CHECK_THROWS_WITH(compare(folder / "a", folder / "b"), ContainsSubstring("in common"));
  CHECK_THROWS_WITH(compare(folder / "a", folder / "c"), ContainsSubstring("line 1"));
}

TEST_CASE("scores that mean different things are not compared, and other differences are named",
          "[unit]") {
  vcflash::test::TemporaryFolder const folder;
  nlohmann::json line{{"id", "1"}, {"question", "what?"}, {"answer", "A"}, {"score", 1}};
  nlohmann::json const about{{"benchmark", "mvbench"},
                             {"scoring", "upstream"},
                             {"frames", {{"least", 64}, {"most", 512}}}};
  folder.write("a/answers.jsonl", line.dump());
  folder.write("a/results.json", about.dump());
  folder.write("b/answers.jsonl", line.dump());
  auto const says = [&](char const* key, nlohmann::json const& value, std::string const& sentence) {
    auto other = about;
    other[key] = value;
    folder.write("b/results.json", other.dump());
    CHECK_THROWS_WITH(compare(folder / "a", folder / "b"), ContainsSubstring(sentence));
  };
  says("benchmark", "lvbench", "their benchmark differs (\"mvbench\" in ");
  says("scoring", "strict", "--scoring");
  auto other = about;
  other["frames"]["most"] = 8;
  folder.write("b/results.json", other.dump());
  auto const warnings = compare(folder / "a", folder / "b").warnings;
  REQUIRE(warnings.size() == 1);
  CHECK_THAT(warnings[0], ContainsSubstring("frames differs"));
  line["question"] = "where?";
  folder.write("b/answers.jsonl", line.dump());
  CHECK_THROWS_WITH(compare(folder / "a", folder / "b"),
                    ContainsSubstring("\"what?\"") && ContainsSubstring("\"where?\""));
}
