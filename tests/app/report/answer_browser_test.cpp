#include <vcflash/app/report/answer_browser.hpp>

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>
#include <string>

using namespace vcflash::app;
using Catch::Matchers::ContainsSubstring;

namespace {

/// The rows that stand in a page.
nlohmann::json rows_of(std::string const& page) {
  std::string const begin = "id=\"answer-rows\">";
  auto const from = page.find(begin) + begin.size();
  return nlohmann::json::parse(page.substr(from, page.find("</script>", from) - from));
}

}  // namespace

TEST_CASE("every answer stands in the page, and nothing of it is markup", "[unit]") {
  std::string const evil = "</script><img src=x onerror=alert(1)><!-- \xFF";
  auto const page = answer_browser(
      {"A", "B"},
      {{.id = "1",
        .task = "t",
        .video = "v.mp4",
        .text = evil,
        .options = {"red", "blue"},
        .right = "A",
        .answers = {{.text = "A", .parsed = "A", .score = 1}, {.problem = "no video"}}}});
  auto const rows = rows_of(page);
  CHECK(rows.at("columns").size() == 2);
  auto const& row = rows.at("rows").at(0);
  CHECK(row.at("text") == "</script><img src=x onerror=alert(1)><!-- \xEF\xBF\xBD");
  CHECK(row.at("answers").at(1).at("problem") == "no video");
  CHECK_THAT(page, !ContainsSubstring("<img"));
  // what the script looks for is there
  for (auto const* id : {"task", "state", "column", "text", "before", "after", "count", "list"}) {
    CHECK_THAT(page, ContainsSubstring(fmt::format("id=\"answers-{}\"", id)));
  }
  CHECK_THAT(std::string(answer_browser_script), !ContainsSubstring("innerHTML"));
}

TEST_CASE("of a long question the end is kept, from a whole letter on", "[unit]") {
  CHECK(end_of_question("what?") == "what?");
  std::string letters;
  for (int i = 0; i < 400; ++i) letters += "é";
  for (std::string const& before : {std::string("x"), std::string("xy")}) {
    auto const end = end_of_question(before + letters + "?");
    CHECK(end.starts_with("… é"));
    CHECK(end.ends_with("é?"));
    CHECK(end.size() <= 704);
  }
}
