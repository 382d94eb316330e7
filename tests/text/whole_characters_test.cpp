#include <catch2/catch_test_macros.hpp>

#include <tests/text/learned_merges.hpp>
#include <vcflash/text/whole_characters.hpp>

using namespace vcflash::test;
using namespace vcflash::text;

namespace {

/// The bytes as tokens, then what the merges make of them, spelled as bytes.
struct Spelled : PlainMerging {
  explicit Spelled(std::vector<std::pair<std::string, std::string>> const& spelled) {
    for (int byte = 0; byte < 256; ++byte) tokens.emplace_back(1, static_cast<char>(byte));
    for (auto const& [left, right] : spelled) {
      merges.push_back({id_of(left), id_of(right), static_cast<TokenId>(tokens.size())});
      tokens.push_back(left + right);
    }
  }

  TokenId id_of(std::string_view bytes) const {
    for (std::size_t id = 0; id < tokens.size(); ++id) {
      if (tokens[id] == bytes) return static_cast<TokenId>(id);
    }
    return no_token;
  }

  /// What a word starts from.
  std::vector<std::string> start(std::string_view word) const {
    WholeCharacters const characters(tokens, MergeTable(merges), byte_ids());
    std::vector<TokenId> ids(word.size());
    ids.resize(characters.start(word, ids));
    std::vector<std::string> found;
    for (auto const id : ids) found.push_back(tokens[static_cast<std::size_t>(id)]);
    return found;
  }
};

using Parts = std::vector<std::string>;

// 中 is E4 B8 AD, 丮 E4 B8 AE, 名 E5 90 8D.
std::string const middle = "\xE4\xB8\xAD", other = "\xE4\xB8\xAE", name = "\xE5\x90\x8D";

}  // namespace

TEST_CASE("a character that merges into one token starts as it", "[unit]") {
  Spelled const text({{"\xE4", "\xB8"}, {"\xE4\xB8", "\xAD"}});
  CHECK(text.start(middle + other + "a") == Parts{middle, "\xE4", "\xB8", "\xAE", "a"});
  CHECK(text.start("").empty());
}

TEST_CASE("a character starts as bytes beside one that its end merges with first", "[unit]") {
  Spelled const text({{"\xE4", "\xB8"},
                      {"\xE5", "\x90"},
                      {"\xE5\x90", "\x8D"},
                      {"\xAD", name},
                      {"\xE4\xB8", "\xAD"}});
  CHECK(text.start(middle + "a" + middle) == Parts{middle, "a", middle});
  CHECK(text.start(middle + name) == Parts{"\xE4", "\xB8", "\xAD", name});
  CHECK(text.start(name + middle) == Parts{name, middle});
}

TEST_CASE("a character starts as bytes behind one that its beginning merges with first", "[unit]") {
  Spelled const text({{"\xE5", "\x90"},
                      {"\xE5\x90", "\x8D"},
                      {"\xE4", "\xB8"},
                      {name, "\xE4\xB8"},
                      {" ", "\xE4\xB8"},
                      {"\xE4\xB8", "\xAD"}});
  CHECK(text.start(name + middle + middle) == Parts{name, "\xE4", "\xB8", "\xAD", middle});
  CHECK(text.start(" " + middle) == Parts{" ", "\xE4", "\xB8", "\xAD"});
  CHECK(text.start("a" + middle) == Parts{"a", middle});
}

TEST_CASE("a merge over a border that comes too late frightens nobody", "[unit]") {
  Spelled const text({{"\xE5", "\x90"},
                      {"\xE5\x90", "\x8D"},
                      {"\xE4", "\xB8"},
                      {"\xE4\xB8", "\xAD"},
                      {"\xAD", name}});
  CHECK(text.start(middle + name) == Parts{middle, name});
}

TEST_CASE("where merges do not come in the order of their ranks, all words start as bytes",
          "[unit]") {
  Spelled text({{"\xE4", "\xB8"}, {"\xE4\xB8", "\xAD"}});
  std::swap(text.merges[0], text.merges[1]);
  CHECK(text.start(middle) == Parts{"\xE4", "\xB8", "\xAD"});
}
