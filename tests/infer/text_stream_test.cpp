#include <vcflash/infer/text_stream.hpp>

#include <algorithm>
#include <catch2/catch_test_macros.hpp>
#include <chrono>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include <vcflash/data/shapes/questions.hpp>
#include <vcflash/text/tokenizer_builder.hpp>

#include "tests/support/folder.hpp"

using namespace vcflash;

namespace {

/// Most words are bytes to it.
text::Tokenizer const& words() {
  static auto const tokenizer = [] {
    test::TemporaryFolder const folder;
    return text::write_word_tokenizer(folder.path(), data::shapes::vocabulary());
  }();
  return tokenizer;
}

/// The pieces that a text comes in, the last of them what was held back.
std::vector<std::string> pieces_of(std::string const& text, std::vector<std::string> stops = {}) {
  infer::TextStream stream(words(), std::move(stops));
  std::vector<std::string> pieces;
  for (auto const id : words().encode(text)) pieces.push_back(stream.add(id));
  pieces.push_back(stream.finish());
  return pieces;
}

std::string joined(std::vector<std::string> const& pieces) {
  std::string text;
  for (auto const& piece : pieces) text += piece;
  return text;
}

}  // namespace

TEST_CASE("a character is shown when its last byte has come", "[unit]") {
  CHECK(pieces_of("é!") == std::vector<std::string>{"", "é", "!", ""});
}

TEST_CASE("what is streamed is what decoding all ids gives", "[unit]") {
  std::vector<std::int64_t> ids;
  for (std::uint32_t i = 0, random = 1; i < 3000; ++i) {
    random = random * 1664525 + 1013904223;
    ids.push_back(static_cast<std::int64_t>(random >> 8) % words().vocabulary());
  }
  infer::TextStream stream(words());
  std::string text;
  for (auto const id : ids) text += stream.add(id);
  CHECK(text + stream.finish() == words().decode(ids, true));
}

TEST_CASE("a text ends before the first stop text, of which nothing is shown", "[unit]") {
  CHECK(joined(pieces_of("abcSTOPdef", {"STOP"})) == "abc");
  CHECK(joined(pieces_of("ab ## STOP", {"STOP", "##"})) == "ab ");
  CHECK(joined(pieces_of("abcSTOP", {"STOP", "cSTOPPED", "bcS"})) == "a");
  CHECK(joined(pieces_of("STSTOP", {"STOP"})) == "ST");
  CHECK(joined(pieces_of("abcSTO", {"STOP"})) == "abcSTO");  // only begun
  infer::TextStream stream(words(), {"x"});
  CHECK_FALSE(stream.stopped());
  for (auto const id : words().encode("axb")) stream.add(id);
  CHECK(stream.stopped());
}

TEST_CASE("a text that may be the beginning of a stop text waits", "[unit]") {
  CHECK(pieces_of("a#b", {"##"}) == std::vector<std::string>{"a", "", "#b", ""});
}

TEST_CASE("the time that a text takes grows with its length alone", "[unit]") {
  auto const letter = words().encode("x");
  auto const time_of = [&](int tokens) {
    auto best = std::chrono::steady_clock::duration::max();
    for (int run = 0; run < 3; ++run) {
      auto const begin = std::chrono::steady_clock::now();
      infer::TextStream stream(words());
      for (int i = 0; i < tokens; ++i) stream.add(letter[0]);
      best = std::min(best, std::chrono::steady_clock::now() - begin);
    }
    return best;
  };
  // Ten times as many tokens; decoding all of them for each would take a hundred times as long.
  CHECK(time_of(30'000) < 40 * time_of(3'000));
}
