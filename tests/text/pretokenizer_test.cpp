#include <catch2/catch_test_macros.hpp>
#include <vector>

#include <vcflash/text/pretokenizer.hpp>

using namespace vcflash;
using text::Pretokenizer;

namespace {

std::vector<std::string> pieces_of(std::string_view text,
                                   Pretokenizer const& pretokenizer = Pretokenizer()) {
  std::vector<std::string> pieces;
  pretokenizer.for_each_piece(text, [&](std::string_view piece) { pieces.emplace_back(piece); });
  return pieces;
}

using Pieces = std::vector<std::string>;

}  // namespace

TEST_CASE("words keep the space before them, digits stand alone", "[unit]") {
  CHECK(pieces_of("It's 12 o'clock!\n\n  now ") ==
        Pieces{"It", "'s", " ", "1", "2", " o", "'clock", "!\n\n", " ", " now", " "});
  CHECK(pieces_of("DON'T") == Pieces{"DON", "'T"});
  CHECK(pieces_of("").empty());
}

TEST_CASE("the Mongolian vowel separator is no white space", "[unit]") {
  CHECK(pieces_of("a \xE1\xA0\x8E b") == Pieces{"a", " \xE1\xA0\x8E", " b"});
  CHECK(pieces_of("a\xE3\x80\x80 b") == Pieces{"a", "\xE3\x80\x80", " b"});
}

TEST_CASE("what a pattern leaves out is a piece of its own", "[unit]") {
  CHECK(pieces_of("ab12cd3", Pretokenizer("[0-9]+")) == Pieces{"ab", "12", "cd", "3"});
  CHECK(pieces_of("abab", Pretokenizer("(?=b)")) == Pieces{"a", "ba", "b"});
  CHECK(pieces_of("\xE4\xB8\xAD\xE6\x96\x87", Pretokenizer("x*")) ==
        Pieces{"\xE4\xB8\xAD", "\xE6\x96\x87"});
}

TEST_CASE("a further pattern splits the pieces of the one before", "[unit]") {
  std::vector<std::string> const digits_then_words{std::string(text::each_digit_pattern),
                                                   std::string(text::gpt2_split_pattern)};
  Pretokenizer const smollm{std::span(digits_then_words)};
  CHECK(pieces_of("It's 12  a3", smollm) == Pieces{"It", "'s", " ", "1", "2", " ", " a", "3"});
  CHECK(pieces_of("x  1", smollm) == Pieces{"x", "  ", "1"});  // nothing is seen behind a piece
  std::vector<std::string> const runs{std::string(text::digits_pattern), "b"};
  CHECK(pieces_of("ab12b", Pretokenizer(std::span(runs))) == Pieces{"a", "b", "12", "b"});
  CHECK(pieces_of("a b", Pretokenizer(std::span<std::string const>())) == Pieces{"a b"});
}

TEST_CASE("a pattern that is none is refused", "[unit]") {
  CHECK_THROWS_AS(Pretokenizer("(a"), InputError);
  CHECK_THROWS_AS(Pretokenizer("\\C"), InputError);
}

TEST_CASE("a pattern that never ends is stopped", "[unit]") {
  Pretokenizer const trap("(a+)+[bc]");
  CHECK_THROWS_AS(pieces_of(std::string(200, 'a'), trap), Error);
  Pretokenizer const deep("(?:(a)|b)*c|.");
  CHECK_NOTHROW(pieces_of(std::string(2'000, 'a'), deep));
}
