#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include <vcflash/text/turns.hpp>

using namespace vcflash;
using namespace vcflash::text;
using Catch::Matchers::ContainsSubstring;
using From = Turn::From;

TEST_CASE("turns are read from either pair of keys", "[unit]") {
  std::vector<TurnFields> const fields = {
      {.from = "human", .value = "V", .role = "user", .content = "C"},
      {.from = {}, .value = {}, .role = "assistant", .content = "A"},
      {.from = "system", .value = "S", .role = {}, .content = {}},
      {.from = "function", .value = "F", .role = "only one key", .content = {}}};
  auto const turns = read_turns(fields);
  CHECK(turns == std::vector<Turn>{{From::human, "C"},
                                   {From::gpt, "A"},
                                   {From::system, "S"},
                                   {From::other, "F", "function"}});
  CHECK(role_of(turns[0]) == "user");
  CHECK(role_of(turns[1]) == "assistant");
  CHECK(role_of(turns[2]) == "system");
  CHECK(role_of(turns[3]) == "function");
}

TEST_CASE("a conversation that is none is refused in a sentence", "[unit]") {
  auto const read = [](std::vector<TurnFields> const& fields) { return read_turns(fields); };
  CHECK_THROWS_WITH(read({}), ContainsSubstring("no turns"));
  CHECK_THROWS_WITH(read({{.from = "system", .value = "x", .role = {}, .content = {}}}),
                    ContainsSubstring("from \"system\""));
  CHECK_THROWS_WITH(read({{.from = {}, .value = {}, .role = "user", .content = "x"}}),
                    ContainsSubstring("from nobody"));
  TurnFields const hello = {.from = "human", .value = "hello", .role = {}, .content = {}};
  CHECK_THROWS_WITH(read({hello, {.from = "gpt", .value = {}, .role = {}, .content = {}}}),
                    ContainsSubstring("turn 1 of the conversation has no \"value\""));
  CHECK_THROWS_AS(read({hello, {}}), InputError);
}

TEST_CASE("white space goes from both ends as in Python", "[unit]") {
  CHECK(stripped(" \n\xE3\x80\x80"
                 "a b\xC2\xA0\x1F\t") == "a b");
  CHECK(stripped(" \n ").empty());
  CHECK(stripped("").empty());
  CHECK(stripped("\xE4\xB8\xAD") == "\xE4\xB8\xAD");
}

TEST_CASE("one placeholder moves to the front, the time message follows it", "[unit]") {
  std::vector<Turn> turns = {{From::human, " what? <image> "}, {From::gpt, "that"}};
  place_media(turns, {.time_message = "\nIt is late. "});
  CHECK(turns[0].value == "<image>\nIt is late. \nwhat?");
  CHECK(turns[1].value == "that");

  turns = {{From::human, "a <image> b <image>"}};
  place_media(turns, {.time_message = " \n", .start_end = true});
  CHECK(turns[0].value == "a <im_start><image><im_end> b <im_start><image><im_end>");
}
