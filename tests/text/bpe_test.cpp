#include <algorithm>
#include <catch2/catch_test_macros.hpp>
#include <random>

#include <tests/support/golden.hpp>
#include <tests/text/learned_merges.hpp>
#include <vcflash/text/bpe.hpp>
#include <vcflash/text/byte_map.hpp>
#include <vcflash/text/utf8.hpp>

using namespace vcflash::test;
using namespace vcflash::text;

namespace {

using Ids = std::vector<std::int64_t>;

Ids encoded(BytePairs const& pairs, std::string_view word) {
  Ids ids;
  pairs.encode(word, ids);
  return ids;
}

/// Qwen2.5's vocabulary.
PlainMerging qwen() {
  PlainMerging made;
  auto const json = nlohmann::json::parse(golden_text("data/tokenizer/qwen2_5/tokenizer.json.gz"));
  std::map<std::string, TokenId> ids;
  made.tokens.resize(json.at("model").at("vocab").size());
  for (auto const& [spelling, id] : json.at("model").at("vocab").items()) {
    ids[spelling] = id.get<TokenId>();
    made.tokens[id.get<std::size_t>()] = bytes_of(spelling).value();
  }
  for (auto const& entry : json.at("model").at("merges")) {
    auto const merge = entry.get<std::string>();
    auto const space = merge.find(' ');
    auto const left = merge.substr(0, space), right = merge.substr(space + 1);
    made.merges.push_back({ids.at(left), ids.at(right), ids.at(left + right)});
  }
  return made;
}

/// Text that holds `bytes`, the ends of characters that it cuts made up for; empty where none fits.
std::string text_around(std::string const& bytes, std::mt19937& random) {
  std::vector<std::string> const before = {"",         "\xC3",     "\xD0",     "\xE4\xB8",
                                           "\xE5",     "\xE8\xA7", "\xE3\x81", "\xED\x95",
                                           "\xF0\x9F", "\xE0\xA4", "\xE1\x9E"},
                                 behind = {"",     "\x81",     "\x93",     "\xA0",
                                           "\xBD", "\x93\x8D", "\xA0\x80", "\x9F\x98\x81"};
  for (int attempt = 0; attempt < 100; ++attempt) {
    auto const text = before[random() % before.size()] + bytes + behind[random() % behind.size()];
    if (is_valid_utf8(text)) return text;
  }
  return "";
}

}  // namespace

TEST_CASE("merging goes by rank, whatever the word's length and script", "[unit]") {
  std::vector<std::vector<std::string>> const scripts = {
      {"a", "b", "c"},
      {"\u4E2D", "\u4E2E", "\u4EAD", "\u53EB", "\u5B53"},  // which share bytes
      {"\u0431", "\u0432", "\u3042", "\u3044", "a", "\U0001F600"}};
  for (unsigned seed = 0; seed < 60; ++seed) {
    auto const& characters = scripts[seed % scripts.size()];
    auto toy = learned_merges(seed, 60, characters);
    std::mt19937 random(seed);
    // Not every vocabulary's merges come in an order in which training finds them.
    if (seed % 4 == 3) std::shuffle(toy.merges.begin(), toy.merges.end(), random);
    auto const pairs = toy.pairs();
    for (std::size_t length : {0, 1, 2, 3, 7, 20, 47, 48, 49, 63, 64, 65, 90, 300}) {
      auto const word = drawn_word(characters, length, random);
      CAPTURE(seed, word);
      auto expected = toy.merged(word);
      CHECK(encoded(pairs, word) == expected);
      CHECK(encoded(pairs, word) == expected);  // by what is known now of whole words
    }
  }
}

TEST_CASE("words of Qwen2.5's vocabulary merge as by the definition", "[golden]") {
  auto const vocabulary = qwen();
  auto const pairs = vocabulary.pairs();
  std::mt19937 random(1);
  std::vector<std::string> parts, crossing;
  for (auto const& token : vocabulary.tokens) {
    if (static_cast<unsigned char>(token[0]) >= 0x80 && is_valid_utf8(token)) {
      parts.push_back(token);
    }
  }
  // Merges that join the end of a character to the next one, or to the beginning of it.
  for (auto const& merge : vocabulary.merges) {
    auto const& right = vocabulary.tokens[static_cast<std::size_t>(merge.right)];
    auto const& left = vocabulary.tokens[static_cast<std::size_t>(merge.left)];
    if ((static_cast<unsigned char>(right[0]) & 0xC0) == 0x80) continue;
    if (is_valid_utf8(left) && is_valid_utf8(right)) continue;
    crossing.push_back(left + right);
  }
  REQUIRE(parts.size() > 10'000);
  REQUIRE(crossing.size() > 50);
  for (int i = 0; i < 1500; ++i) {
    std::string word;
    for (auto count = random() % 16 + 1; count > 0; --count) {
      auto const kind = random() % 8;
      if (kind == 0) {
        append_utf8(word, static_cast<char32_t>(0x4E00 + random() % 0x5200));
      } else if (kind == 1) {
        append_utf8(word, static_cast<char32_t>(0xAC00 + random() % 11172));
      } else if (kind == 2) {
        word += "a \n"[random() % 3];
      } else if (kind == 3) {
        word += text_around(crossing[random() % crossing.size()], random);
      } else {
        word += parts[random() % parts.size()];
      }
    }
    CAPTURE(word);
    REQUIRE(is_valid_utf8(word));
    REQUIRE(encoded(pairs, word) == vocabulary.merged(word));
  }
}

TEST_CASE("a token that merging does not reach is not used, unless merges are ignored", "[unit]") {
  auto toy = learned_merges(0, 0, {"a"});
  toy.tokens.emplace_back("abc");
  toy.tokens.emplace_back("");
  auto pairs = toy.pairs();
  CHECK(encoded(pairs, "abc") == Ids{'a', 'b', 'c'});
  auto ignoring = toy.pairs();
  ignoring.set_ignore_merges(true);
  CHECK(encoded(ignoring, "abc") == Ids{256});
  CHECK(pairs.find("abc") == 256);
  CHECK_FALSE(pairs.find("ab"));
  CHECK_FALSE(pairs.find(""));
}

TEST_CASE("bytes that are no token are dropped before anything merges", "[unit]") {
  std::vector<std::string> tokens = {"a", "b", "ab", "\xC3", "\xA9", "\xC3\xA9"};
  BytePairs pairs(tokens);
  pairs.set_merges({{0, 1, 2}, {3, 4, 5}});
  CHECK(encoded(pairs,
                "a\x04"
                "b") == Ids{2});
  CHECK(encoded(pairs, "\x04").empty());
  CHECK(encoded(pairs, "\xC3\xA9\xC3\xAA") == Ids{5, 3});
  std::string const many(200, 'x');
  CHECK(encoded(pairs, many + "ab") == Ids{2});
}

TEST_CASE("a word's ids are appended", "[unit]") {
  auto const pairs = learned_merges(0, 0, {"a"}).pairs();
  Ids ids = {-1};
  pairs.encode("ab", ids);
  CHECK(ids == Ids{-1, 'a', 'b'});
}
