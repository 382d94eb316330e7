#include <vcflash/eval/needle_exam.hpp>

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_exception.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>
#include <set>
#include <string>
#include <vector>

#include "tests/eval/golden_rows.hpp"
#include "tests/support/folder.hpp"
#include "tests/text/golden_tokenizers.hpp"

using namespace vcflash;
using namespace vcflash::eval;
using nlohmann::json;
using vcflash::test::golden_json;

namespace {

/// The rows of a golden run, as upstream's file has them.
std::vector<needle::Row> rows_of(needle::Hops hops, json const& run) {
  test::TemporaryFolder const folder;
  folder.write(hops == needle::Hops::single ? "niah-coco-singlehop_20.json"
                                            : "json/niah-coco-multihop-100.json",
               run.at("rows").dump());
  return needle::load_rows(hops, folder.path(), "pictures");
}

/// Says what the golden model predicted, and compares what comes of that.
void check_run(needle::Hops hops, json const& run, needle::Grid const& grid) {
  auto const& tokenizer = test::qwen_tokenizer();
  auto const rows = rows_of(hops, run);
  auto const cases = needle::cases_of(hops, rows, grid, tokenizer);
  REQUIRE(cases.size() == run.at("evals").size());
  std::set<std::string> ids;
  std::vector<Said> said;
  for (std::size_t i = 0; i < cases.size(); ++i) {
    auto const& eval = run["evals"][i];
    ids.insert(cases[i].id);
    CHECK(cases[i].answer == eval.at("answer"));
    CHECK(cases[i].answer_ids == eval.at("answer_ids").get<std::vector<std::int64_t>>());
    said.push_back({.text = eval.at("pred")});
    CHECK(needle::is_right(cases[i], said[i], eval::Scoring::upstream) ==
          (eval.at("correct") == 1));
  }
  CHECK(ids.size() == cases.size());
  auto const accuracies = needle::accuracies(hops, cases, said, eval::Scoring::upstream);
  CHECK(json(accuracies) == run.at("results"));
}

}  // namespace

TEST_CASE("rows, grids, questions and accuracies of one needle are upstream's", "[golden]") {
  auto const golden = golden_json("data/eval_niah_single.json");
  for (auto const& run : golden.at("runs")) {
    auto const& args = run.at("args");
    // the golden haystack is as long as the longest question wants it
    if (args.at("haystack_len") != args.at("max_frame_num")) continue;
    check_run(needle::Hops::single, run,
              {args.at("min_frame_num"), args.at("max_frame_num"), args.at("frame_interval"),
               args.at("depth_interval")});
  }
}

TEST_CASE("rows, grids, questions and accuracies of many needles are upstream's", "[golden]") {
  auto const golden = golden_json("data/eval_niah_multi.json");
  for (auto const& run : golden.at("runs")) {
    auto const& args = run.at("args");
    check_run(needle::Hops::multi, run,
              {args.at("min_frame_num"), args.at("max_frame_num"), args.at("frame_interval")});
  }
}

TEST_CASE("pictures are below the media folder", "[unit]") {
  json const run{{"rows", {{{"question", "q"}, {"answer", "A"}, {"image", "single/a.jpg"}}}}};
  CHECK(rows_of(needle::Hops::single, run)[0].images[0] == "pictures/single/a.jpg");
}

TEST_CASE("rows that cannot be asked are refused by file and row", "[unit]") {
  using Catch::Matchers::ContainsSubstring;
  using Catch::Matchers::MessageMatches;
  auto const refuses = [](needle::Hops hops, json const& rows, std::string const& part) {
    CHECK_THROWS_MATCHES(rows_of(hops, {{"rows", rows}}), InputError,
                         MessageMatches(ContainsSubstring(part)));
  };
  refuses(needle::Hops::single, json::array(), "no questions");
  refuses(needle::Hops::single, {{{"question", "q"}}}, "row 0");
  refuses(needle::Hops::multi,
          {{{"images", {"a"}},
            {"question1", "q"},
            {"answer1", "A"},
            {"question2", "q"},
            {"answer2", "A"}}},
          "row 0: of needles there must be 2 or more, not 1");
  test::TemporaryFolder const empty;
  CHECK_THROWS_MATCHES(needle::load_rows(needle::Hops::multi, empty.path(), empty.path()),
                       InputError, MessageMatches(ContainsSubstring("niah_multi")));
  CHECK_THROWS_AS((needle::Grid{5, 4, 1, 0.2}.frames()), InputError);
  CHECK_THROWS_AS(needle::cases_of(needle::Hops::single, {{{"a.jpg"}, {{"q", ""}}}}, {},
                                   test::qwen_tokenizer()),
                  InputError);
}
