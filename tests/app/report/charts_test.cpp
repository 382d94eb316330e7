#include <vcflash/app/report/charts.hpp>

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>
#include <string>
#include <vector>

using namespace vcflash;
using Catch::Matchers::ContainsSubstring;

TEST_CASE("bytes in base64 are padded to groups of four", "[unit]") {
  auto const of = [](std::string const& text) {
    return app::base64({reinterpret_cast<std::uint8_t const*>(text.data()), text.size()});
  };
  CHECK(of("") == "");
  CHECK(of("f") == "Zg==");
  CHECK(of("fo") == "Zm8=");
  CHECK(of("foobar") == "Zm9vYmFy");
}
TEST_CASE("text cannot end the element it stands in", "[unit]") {
  CHECK(app::escaped("a < b && \"c\"") == "a &lt; b &amp;&amp; &quot;c&quot;");
}

TEST_CASE("curves share a range that holds every loss", "[unit]") {
  std::vector<std::vector<double>> const curves{{4.0, 2.0}, {0.5}};
  auto const range = app::LossRange::of(curves);
  CHECK(range.low < 0.5);
  CHECK(range.high > 4.0);
}

TEST_CASE("a falling loss is a path that goes down the picture", "[unit]") {
  auto const svg = app::loss_chart({4.0, 1.0, 0.25}, {0.1, 10}, "loss");
  CHECK_THAT(svg, ContainsSubstring("<svg") && ContainsSubstring("</svg>"));
  CHECK_THAT(svg, ContainsSubstring("3 steps"));
  std::vector<double> heights;
  auto const path = svg.substr(svg.find("class=\"raw\" d=\"") + 15);
  for (std::size_t at = 0; at < path.find('"'); ++at) {
    if (path[at] == ' ') heights.push_back(std::stod(path.substr(at + 1)));
  }
  REQUIRE(heights.size() == 3);
  CHECK(heights[0] < heights[1]);
  CHECK(heights[1] < heights[2]);
}

TEST_CASE("a number beside a chart has few letters", "[unit]") {
  CHECK(app::detail::short_number(0) == "0");
  CHECK(app::detail::short_number(0.0015) == "1.5e-3");
  CHECK(app::detail::short_number(0.001) == "1e-3");
  CHECK(app::detail::short_number(0.02) == "0.02");
  CHECK(app::detail::short_number(250) == "250");
  CHECK(app::detail::short_number(15000) == "15k");
  CHECK(app::detail::short_number(1250) == "1.25k");
  CHECK(app::detail::short_number(2.5e6) == "2.5M");
}

TEST_CASE("charts of no steps and of one are drawn", "[unit]") {
  CHECK_THAT(app::loss_chart({}, {}, "loss"), ContainsSubstring("0 steps"));
  CHECK_THAT(app::loss_chart({2.0}, {1, 4}, "loss"), ContainsSubstring("1 steps"));
  CHECK_THAT(app::time_bar({}), ContainsSubstring("legend"));
}

TEST_CASE("an accuracy row carries its numbers", "[unit]") {
  auto const row = app::accuracy_row("colour", 0.925, 0.3, 0.25);
  CHECK_THAT(row, ContainsSubstring("width:92.5%") && ContainsSubstring("left:25.0%") &&
                      ContainsSubstring("left:30.0%") && ContainsSubstring("92.5&thinsp;%"));
}

TEST_CASE("a share may stand alone, or beside another that says what it is", "[unit]") {
  auto const alone = app::share_row("long <names>", 0.5, {}, {}, "", "half");
  CHECK_THAT(alone, ContainsSubstring("long &lt;names&gt;") && ContainsSubstring(">half<") &&
                        !ContainsSubstring("class=\"chance\"") &&
                        !ContainsSubstring("class=\"control\""));
  CHECK_THAT(app::share_row("a", 0.5, {}, 0.25, "by \"another\" rule", ""),
             ContainsSubstring("title=\"by &quot;another&quot; rule 0.250\""));
}
