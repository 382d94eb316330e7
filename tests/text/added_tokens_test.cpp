#include <catch2/catch_test_macros.hpp>
#include <vector>

#include <vcflash/text/added_tokens.hpp>

using namespace vcflash::text;

namespace {

/// The parts of a text; added tokens come as their ids.
std::vector<std::string> split(AddedTokens const& tokens, std::string_view text) {
  std::vector<std::string> parts;
  tokens.split(
      text, [&](std::string_view plain) { parts.emplace_back(plain); },
      [&](AddedToken const& token) { parts.push_back(std::to_string(token.id)); });
  return parts;
}

using Parts = std::vector<std::string>;

}  // namespace

TEST_CASE("added tokens are found leftmost, then longest", "[unit]") {
  AddedTokens const tokens(
      {{.content = "<a>", .id = 1}, {.content = "<a>b", .id = 2}, {.content = "b<", .id = 3}});
  CHECK(split(tokens, "x<a>b<a>y") == Parts{"x", "2", "1", "y"});
  CHECK(split(tokens, "xb<a>") == Parts{"x", "3", "a>"});
  CHECK(split(tokens, "<a") == Parts{"<a"});
  CHECK(split(tokens, "").empty());
  CHECK(split(AddedTokens(), "x<a>") == Parts{"x<a>"});
}

TEST_CASE("a token takes the white space it asks for", "[unit]") {
  AddedTokens const tokens(
      {{.content = "<l>", .id = 1, .lstrip = true}, {.content = "<r>", .id = 2, .rstrip = true}});
  CHECK(split(tokens, "a \xE3\x80\x80<l> b") == Parts{"a", "1", " b"});
  CHECK(split(tokens, "a <r> \n b") == Parts{"a ", "2", "b"});
  CHECK(split(tokens, "<r> <l>") == Parts{"2", "1"});
}

TEST_CASE("white space that a token took along may begin the next token", "[unit]") {
  AddedTokens const tokens({{.content = "<r>", .id = 1, .rstrip = true},
                            {.content = " x", .id = 2},
                            {.content = "  ", .id = 3}});
  CHECK(split(tokens, "<r> xy") == Parts{"1", "2", "y"});
  CHECK(split(tokens, "a<r>   x") == Parts{"a", "1", "3", "2"});
}

TEST_CASE("a token that is a single word stands apart from words", "[unit]") {
  AddedTokens const tokens({{.content = "cat", .id = 1, .single_word = true}});
  CHECK(split(tokens, "cat, cats cat") == Parts{"1", ", cats ", "1"});
  CHECK(split(tokens,
              "\xC3\xA9"
              "cat") == Parts{"\xC3\xA9"
                              "cat"});
  CHECK(split(tokens, "-cat_ cat!") == Parts{"-cat_ ", "1", "!"});
}
