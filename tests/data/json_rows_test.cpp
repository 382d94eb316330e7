#include <vcflash/data/json_rows.hpp>

#include <string>
#include <string_view>
#include <vector>

#include <catch2/catch_test_macros.hpp>

using namespace vcflash::data;

namespace {

std::vector<std::string_view> rows_of(std::string_view text, std::string_view error = "") {
  JsonList list(text);
  std::vector<std::string_view> rows;
  while (auto const row = list.next()) rows.push_back(*row);
  CHECK(list.error() == error);
  return rows;
}

using Rows = std::vector<std::string_view>;

}  // namespace

TEST_CASE("values of a list are found without being read", "[unit]") {
  CHECK(rows_of("[]").empty());
  CHECK(rows_of(" [ 1 , null,true\n] \n") == Rows{"1", "null", "true"});
  CHECK(rows_of(R"([{"a": "]},[\"", "b": [{}, "\\"]}, [[]],"x"])") ==
        Rows{R"({"a": "]},[\"", "b": [{}, "\\"]})", "[[]]", "\"x\""});
  CHECK(JsonList("[").is_list());
  CHECK_FALSE(JsonList("{}").is_list());
  CHECK_FALSE(JsonList("").is_list());
}

TEST_CASE("a list of the wrong form says so", "[unit]") {
  std::string_view const open = "a row does not end";
  CHECK(rows_of("[", open).empty());
  CHECK(rows_of("[1, ", open) == Rows{"1"});
  CHECK(rows_of("[1,]", open) == Rows{"1"});
  CHECK(rows_of("[,1]", open).empty());
  CHECK(rows_of(R"([{"a": "b})", open).empty());
  CHECK(rows_of("[1 2]", "a comma or the end of the list is expected") == Rows{"1"});
  CHECK(rows_of("[1] 2", "text follows the list of rows") == Rows{"1"});
  CHECK(rows_of("[1", open).empty());
}

TEST_CASE("a list that is given piece by piece has the same values", "[unit]") {
  std::string const text = R"( [ {"a": "]},[\"", "b": [{}, "\\"]} , 12,null ,[[]],"x" ] )";
  auto const whole = rows_of(text);
  for (std::size_t piece = 1; piece < text.size(); ++piece) {
    CAPTURE(piece);
    std::size_t at = 0, most = piece + 2;
    auto const next = [&] { return std::string_view(text).substr(at, most); };
    JsonList list(next(), at + most >= text.size());
    std::vector<std::string_view> rows;
    for (;;) {
      while (auto const row = list.next()) rows.push_back(*row);
      if (!list.hungry()) break;
      most = list.position() == 0 ? 2 * most : piece;
      at += list.position();
      list.feed(next(), at + most >= text.size());
    }
    CHECK(list.error().empty());
    CHECK(rows == whole);
  }
}
