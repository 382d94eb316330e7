#include <vcflash/eval/row_options.hpp>

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>
#include <string>
#include <vector>

using namespace vcflash::eval;
using Catch::Matchers::ContainsSubstring;
using nlohmann::ordered_json;
using Texts = std::vector<std::string>;

TEST_CASE("options are read from every form that rows have", "[unit]") {
  Texts const options{"red", "blue"};
  CHECK(options_in({"red", "blue"}) == options);
  CHECK(options_in(ordered_json::parse(
            R"([{"label": "A", "text": "red"}, {"label": "B", "text": "blue"}])")) == options);
  CHECK(options_in(ordered_json::parse(R"({"A": "red", "B": "blue"})")) == options);
  CHECK(options_in(R"(["red", "blue"])") == options);
  CHECK(options_in("A. red\nB. blue\n") == Texts{"A. red", "B. blue"});
  CHECK(options_in(ordered_json::parse("[2, 2.5]")) == Texts{"2", "2.5"});
}

TEST_CASE("a text's lines with letters are options, and what stands before them is the question",
          "[unit]") {
  auto const lines = option_lines("Who comes?\nB. is no first\n(A) a man\nin a hat\nB) nobody\r\n");
  CHECK(lines.question == "Who comes?\nB. is no first");
  CHECK(lines.options == Texts{"(A) a man\nin a hat", "B) nobody"});
  CHECK(option_lines("no options").options.empty());
}

TEST_CASE("what holds no options is refused with what was found", "[unit]") {
  CHECK_THROWS_WITH(options_in(3), ContainsSubstring("number"));
  CHECK_THROWS_WITH(options_in("red or blue"), ContainsSubstring("no lines"));
  CHECK_THROWS_WITH(options_in(ordered_json::parse("[[1]]")), ContainsSubstring("array"));
  CHECK_THROWS_WITH(options_in(ordered_json::parse(R"([{"text": "x"}])")),
                    ContainsSubstring("label"));
  CHECK_THROWS_WITH(options_in(ordered_json::parse(R"({"B": "x"})")),
                    ContainsSubstring("\"A\" was expected"));
}
