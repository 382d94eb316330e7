#include <vcflash/text/toml.hpp>

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

using Catch::Matchers::ContainsSubstring;
using vcflash::text::parsed_toml;

TEST_CASE("TOML is read, and what is none is told by its file and line", "[unit]") {
  CHECK(parsed_toml("[a]\nb = 3", "x.toml")["a"]["b"] == 3);
  CHECK_THROWS_AS(parsed_toml("a = 1\nb =", "x.toml"), vcflash::InputError);
  CHECK_THROWS_WITH(parsed_toml("a = 1\nb =", "x.toml"), ContainsSubstring("x.toml: line 2: "));
}

TEST_CASE("a table's name that cannot be one is an error, and not the end of the program",
          "[unit]") {
  for (auto const* toml : {"[{a]", "[[{a]]", "[=]", "[", "[[", "[a", "['a"}) {
    INFO(toml);
    CHECK_THROWS_AS(parsed_toml(toml, "x.toml"), vcflash::InputError);
  }
}
