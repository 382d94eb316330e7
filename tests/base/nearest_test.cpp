#include <vcflash/base/nearest.hpp>

#include <array>
#include <catch2/catch_test_macros.hpp>
#include <string>
#include <string_view>
#include <vector>

using vcflash::edit_distance;
using vcflash::nearest;

TEST_CASE("words are as far apart as letters are to be changed", "[unit]") {
  CHECK(edit_distance("", "") == 0);
  CHECK(edit_distance("question", "question") == 0);
  CHECK(edit_distance("question", "quesiton") == 2);
  CHECK(edit_distance("id", "ids") == 1);
  CHECK(edit_distance("kitten", "sitting") == 3);
}

TEST_CASE("a misspelt name is nearest to the one that was meant", "[unit]") {
  constexpr std::array<std::string_view, 3> names{"question", "options", "answer"};
  CHECK(nearest("quesiton", names) == "question");
  CHECK(nearest("option", names) == "options");
  CHECK(nearest("x", std::vector<std::string>{}).empty());
}
