#include <vcflash/app/number_checks.hpp>

#include <catch2/catch_test_macros.hpp>

using vcflash::app::above_zero;
using vcflash::app::at_least;

TEST_CASE("a number that a flag does not take is refused in words", "[unit]") {
  auto const said = [](CLI::Validator const& check, std::string text) { return check(text); };
  CHECK(said(at_least(1), "1").empty());
  CHECK(said(at_least(0), "0").empty());
  CHECK(said(at_least(1), "0") == "0 is not 1 or more");
  CHECK(said(at_least(0), "-3") == "-3 is not 0 or more");
  CHECK(said(at_least(1), "many") == "many is not 1 or more");
  CHECK(said(above_zero(), "0.5").empty());
  CHECK(said(above_zero(), "0") == "0 is not a number above 0");
}
