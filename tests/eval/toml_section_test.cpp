#include <vcflash/eval/toml_section.hpp>

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>
#include <string>
#include <vector>

using Catch::Matchers::ContainsSubstring;
using vcflash::eval::TomlSection;

TEST_CASE("a section gives what its keys hold, and nothing for those that are not there",
          "[unit]") {
  auto const table = toml::parse("a = 'x'\nb = ['x', 'y']\nc = true\nd = 3\ne = 0.5\n[f]\ng = 'z'");
  TomlSection section(&table, "file");
  CHECK(section.text("a") == "x");
  CHECK(section.texts("a") == std::vector<std::string>{"x"});
  CHECK(section.texts("b") == std::vector<std::string>{"x", "y"});
  CHECK(section.truth("c"));
  CHECK(section.whole("d", 1, 5) == 3);
  CHECK(section.number("e") == 0.5);
  CHECK(section.number("d") == 3);
  CHECK(section.section("f").text("g") == "z");
  CHECK_FALSE(section.text("h"));
  CHECK(section.texts("h").empty());
  CHECK_FALSE(section.section("h").whole("i", 0, 1));
  CHECK_NOTHROW(section.finish());
}

TEST_CASE("a value of another kind is refused with what was expected", "[unit]") {
  auto const table = toml::parse("a = 3\nb = [1]\nc = -1\nd = nan\ne = []");
  TomlSection section(&table, "file: [x]");
  CHECK_THROWS_WITH(section.text("a"), ContainsSubstring("file: [x]: a = 3; a text was expected"));
  CHECK_THROWS_WITH(section.texts("b"), ContainsSubstring("a list of texts"));
  CHECK_THROWS_WITH(section.texts("e"), ContainsSubstring("e = []"));
  CHECK_THROWS_WITH(section.whole("a", 0, 2), ContainsSubstring("a whole number from 0 to 2"));
  CHECK_THROWS_WITH(section.number("c"), ContainsSubstring("at least 0"));
  CHECK_THROWS_WITH(section.number("d"), ContainsSubstring("at least 0"));
  CHECK_THROWS_WITH(section.truth("a"), ContainsSubstring("true or false"));
  CHECK_THROWS_WITH(section.section("a"), ContainsSubstring("a table, [a]"));
}

TEST_CASE("a key that nobody asked for is refused with the nearest", "[unit]") {
  auto const table = toml::parse("quesiton = 'x'");
  TomlSection section(&table, "file");
  section.text("question");
  section.text("options");
  CHECK_THROWS_WITH(section.finish(),
                    ContainsSubstring("no key quesiton; the nearest is question"));
}
