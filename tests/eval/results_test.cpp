#include <vcflash/eval/results.hpp>

#include <algorithm>
#include <catch2/catch_test_macros.hpp>
#include <string>
#include <vector>

#include <vcflash/eval/benchmarks/perception_test.hpp>
#include <vcflash/eval/benchmarks/shapes.hpp>

#include "tests/support/folder.hpp"

using namespace vcflash::eval;
using nlohmann::json;
using vcflash::test::read_file;

TEST_CASE("results say both rules' scores, the interval and what was broken", "[unit]") {
  Row const row{.doc = {{"video_name", "v"},
                        {"question", "q"},
                        {"options", {"a dog", "a cat"}},
                        {"answer_id", "1"}}};
  std::vector<Row> rows(4, row);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    rows[i].doc_id = static_cast<std::int64_t>(i);
    rows[i].doc["video_name"] = i < 2 ? "v" : "w";
  }
  ExamOf<PerceptionTest> const exam({}, rows);
  std::vector<Said> const said{
      {.text = "B"}, {.text = "a cat"}, {.text = "A"}, {.problem = "w.mp4: no video"}};
  vcflash::test::TemporaryFolder const out;
  write_results(out.path(), exam, Scoring::upstream, said, {{"model", "tiny"}});
  auto const results = json::parse(read_file(out / "results.json"));
  CHECK(results["model"] == "tiny");
  CHECK(results["asked"] == 4);
  CHECK(results["broken_count"] == 1);
  CHECK(results["scoring"] == "upstream");
  CHECK(results["scores"]["value"] == 0.25);
  CHECK(results["scores_strict"]["value"] == 0.5);
  CHECK(results["interval"]["mean"] == 0.25);
  CHECK(results["interval"]["clusters"] == 2);
  CHECK_FALSE(results["interval"].contains("low"));  // of two videos
  CHECK(results["broken"] == json{{{"id", exam.id(3)}, {"problem", "w.mp4: no video"}}});
  auto const lines = read_file(out / "answers.jsonl");
  CHECK(std::ranges::count(lines, '\n') == 4);
  CHECK(json::parse(lines.substr(0, lines.find('\n')))["answer"] == "B");

  write_results(out.path(), exam, Scoring::strict, said, {});
  CHECK(json::parse(read_file(out / "results.json"))["scores_upstream"]["value"] == 0.25);
}

TEST_CASE("questions that do not count are marked, and are in no interval", "[unit]") {
  ExamOf<Shapes> const exam(
      {}, {{.kind = "colour", .right = "A", .video = "a"},
           {.showing = Shapes::Showing::other, .kind = "colour", .right = "A", .video = "b"}});
  vcflash::test::TemporaryFolder const out;
  auto const results =
      write_results(out.path(), exam, Scoring::upstream, {{.text = "A"}, {.text = "B"}}, {});
  CHECK_FALSE(results.contains("scoring"));
  CHECK(results["interval"]["mean"] == 1);
  auto const lines = read_file(out / "answers.jsonl");
  CHECK_FALSE(json::parse(lines.substr(0, lines.find('\n'))).contains("counts"));
  CHECK(json::parse(lines.substr(lines.find('\n') + 1))["counts"] == false);
}
