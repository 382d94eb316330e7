#include <vcflash/app/needle_results.hpp>

#include <catch2/catch_test_macros.hpp>
#include <string>
#include <vector>

#include <vcflash/data/shapes/questions.hpp>
#include <vcflash/text/tokenizer_builder.hpp>

#include "tests/support/folder.hpp"

using namespace vcflash;
using eval::needle::Hops;
using nlohmann::ordered_json;

TEST_CASE("depths that are reported alike are one row of the heat map", "[unit]") {
  auto const cells = ordered_json::parse(R"([
    {"Num. Frame": 500, "Frame Depth": 20.0, "Score": 1.0},
    {"Num. Frame": 500, "Frame Depth": 20.0, "Score": 0.0},
    {"Num. Frame": 1500, "Frame Depth": 100.0, "Score": 0.25}])");
  auto const map = app::needle_map(Hops::single, cells, "title");
  CHECK(map.columns == std::vector<std::string>{"500", "1.5K"});
  CHECK(map.rows == std::vector<std::string>{"20", "100"});
  CHECK(map.values[0][0] == 0.5);
  CHECK_FALSE(map.values[0][1]);
  CHECK(map.values[1][1] == 0.25);
}

TEST_CASE("many needles are shown by what was asked", "[unit]") {
  auto const cells = ordered_json::parse(R"([
    {"Num. Frame": 8, "Score": 0.5, "Caption Score": 1.0, "QA Score": 0.0}])");
  auto const map = app::needle_map(Hops::multi, cells, "title");
  CHECK(map.rows == std::vector<std::string>{"Both", "Caption", "Detail"});
  CHECK(map.values[1][0] == 1.0);
}

TEST_CASE("results are written as upstream's, and one object a question", "[unit]") {
  test::TemporaryFolder const folder;
  auto const words = text::write_word_tokenizer(folder / "tokenizer", data::shapes::vocabulary());
  std::vector<eval::needle::Row> const rows{{{"a.png"}, {{"what ?", "A"}}},
                                            {{"b.png"}, {{"where ?", "B"}}}};
  auto const cases = eval::needle::cases_of(Hops::single, rows, {4, 4, 4, 1.0}, words);
  REQUIRE(cases.size() == 4);
  std::vector<eval::Said> const said{{.text = "A"}, {.text = " b"}, {.text = "a)"}, {.text = "B"}};
  double const average = app::write_needle_results(folder.path(), Hops::single, rows, cases, said,
                                                   eval::Scoring::upstream, {{"model", "tiny"}});
  CHECK(average == 0.75);
  CHECK(test::read_file(folder / "avg_accuracy.txt") == "Average Accuracy: 0.75\n");
  CHECK(test::read_file(folder / "all_accuracies.json") == R"([
    {
        "Num. Frame": 4,
        "Frame Depth": 0.0,
        "Score": 0.5
    },
    {
        "Num. Frame": 4,
        "Frame Depth": 100.0,
        "Score": 1.0
    }
])");
  CHECK(test::read_file(folder / "heatmap.svg").starts_with("<svg"));
  CHECK(test::read_file(folder / "heatmap.png").starts_with("\x89PNG"));
  auto const results = nlohmann::json::parse(test::read_file(folder / "results.json"));
  CHECK(results["scores"]["value"] == 0.75);
  CHECK(results["scoring"] == "upstream");
  // Upstream's rule counts the space before " b".
  CHECK(results["scores_strict"]["value"] == 1.0);
  CHECK(app::write_needle_results(folder.path(), Hops::single, rows, cases, said,
                                  eval::Scoring::strict, {{"model", "tiny"}}) == 1.0);
  auto const answers = test::read_file(folder / "answers.jsonl");
  CHECK(answers.find("\"score\":0.0") == std::string::npos);
  CHECK(answers.starts_with(R"({"id":"4/0/0","frames":4,"depth":0.0,"question":"what ?")"));
  CHECK(app::needles_fingerprint(rows, cases) != app::needles_fingerprint({rows[0]}, cases));
}
