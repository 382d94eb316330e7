#include <vcflash/app/report/style.hpp>

#include <algorithm>
#include <catch2/catch_test_macros.hpp>
#include <regex>
#include <set>
#include <string>

TEST_CASE("every colour of the report has a light and a dark value", "[unit]") {
  std::string const style(vcflash::app::report_style);
  auto const dark_at = style.find("prefers-color-scheme: dark");
  REQUIRE(dark_at != std::string::npos);
  auto const names = [](std::string const& text, char const* pattern) {
    std::regex const name(pattern);
    return std::set<std::string>(std::sregex_token_iterator(text.begin(), text.end(), name, 1), {});
  };
  auto const light = names(style.substr(0, dark_at), "(--[a-z0-9]+):#");
  CHECK(light == names(style.substr(dark_at), "(--[a-z0-9]+):#"));
  for (auto const& used : names(style, "var\\((--[a-z0-9]+)\\)")) {
    CHECK((used == "--c" || light.contains(used)));
  }
}

TEST_CASE("the report's style sheet closes what it opens", "[unit]") {
  std::string const style(vcflash::app::report_style);
  CHECK(std::ranges::count(style, '{') == std::ranges::count(style, '}'));
}
