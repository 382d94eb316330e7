#include <vcflash/app/report/page.hpp>

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>
#include <regex>
#include <string>

#include "tests/app/report/demo_folder.hpp"

using namespace vcflash;
using test::Demo;

TEST_CASE("the report is one page that asks for nothing from outside", "[unit]") {
  Demo const demo;
  auto const page = app::report_page(app::gather_demo(demo.folder.path()));
  CHECK(page.starts_with("<!doctype html>"));
  std::regex const outside("(src|href)=\"(?!data:)|url\\(|@import|<script|<link");
  CHECK_FALSE(std::regex_search(page, outside));
}

TEST_CASE("the report shows clips with verdicts, losses, parts and time", "[unit]") {
  using Catch::Matchers::ContainsSubstring;
  Demo const demo;
  auto const page = app::report_page(app::gather_demo(demo.folder.path()));
  CHECK_THAT(page, ContainsSubstring("✗ wrong") && ContainsSubstring("✓ right"));
  CHECK_THAT(page, ContainsSubstring("what &lt;colour&gt; is it ?"));
  CHECK_THAT(page, ContainsSubstring("is-said\">A red") && ContainsSubstring("is-right\">B blue"));
  CHECK_THAT(page, ContainsSubstring("data:image/jpeg;base64,/9j/"));
  CHECK_THAT(page, ContainsSubstring("Stage 2: Stage&lt;2&gt;"));
  CHECK_THAT(page, ContainsSubstring("ToMe8") && ContainsSubstring("make clips"));
  CHECK_THAT(page, !ContainsSubstring("quick"));
  CHECK_THAT(page, ContainsSubstring("Only the letter of an answer counts"));
  auto quick = app::gather_demo(demo.folder.path());
  quick.quick = true;
  CHECK_THAT(app::report_page(quick), ContainsSubstring("claims nothing"));
}

TEST_CASE("the report's headline claims no more than was learned", "[unit]") {
  using Catch::Matchers::ContainsSubstring;
  Demo const demo;
  auto results = app::gather_demo(demo.folder.path());
  CHECK_THAT(app::report_page(results), ContainsSubstring("<h1>A video model learned to answer"));
  results.scores.groups = {{"by_kind", {{"all", 0.3, 4}, {"colour", 0.3, 4}}}};
  CHECK_THAT(app::report_page(results), ContainsSubstring("<h1>A video model that did not learn"));
  results.quick = true;
  CHECK_THAT(app::report_page(results), ContainsSubstring("<h1>A quick run: everything works"));
}
