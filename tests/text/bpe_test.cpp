#include <catch2/catch_test_macros.hpp>
#include <limits>
#include <map>
#include <random>

#include <vcflash/text/bpe.hpp>

using namespace vcflash::text;

namespace {

using Ids = std::vector<std::int64_t>;

struct Toy {
  std::vector<std::string> tokens;
  std::vector<BytePairs::Merge> merges;

  explicit Toy(unsigned seed, int count) {
    for (int byte = 0; byte < 256; ++byte) tokens.emplace_back(1, static_cast<char>(byte));
    std::mt19937 random(seed);
    std::map<std::string, BytePairs::Id> known;
    std::vector<BytePairs::Id> usable = {'a', 'b', 'c'};
    for (int i = 0; i < count; ++i) {
      auto const left = usable[random() % usable.size()], right = usable[random() % usable.size()];
      auto const text =
          tokens[static_cast<std::size_t>(left)] + tokens[static_cast<std::size_t>(right)];
      if (!known.emplace(text, static_cast<BytePairs::Id>(tokens.size())).second) continue;
      merges.push_back({left, right, known[text]});
      usable.push_back(known[text]);
      tokens.push_back(text);
    }
  }

  BytePairs pairs() const {
    BytePairs made(tokens);
    made.set_merges(merges);
    return made;
  }

  /// By the definition: the lowest rank, of equals the leftmost, until nothing is left to merge.
  Ids merged(std::string_view word) const {
    Ids ids;
    for (char const byte : word) ids.push_back(static_cast<unsigned char>(byte));
    for (;;) {
      std::size_t best = ids.size(), best_rank = merges.size();
      for (std::size_t i = 0; i + 1 < ids.size(); ++i) {
        for (std::size_t rank = 0; rank < best_rank; ++rank) {
          if (merges[rank].left == ids[i] && merges[rank].right == ids[i + 1]) {
            best = i;
            best_rank = rank;
          }
        }
      }
      if (best == ids.size()) return ids;
      ids[best] = merges[best_rank].joined;
      ids.erase(ids.begin() + static_cast<std::ptrdiff_t>(best) + 1);
    }
  }
};

}  // namespace

TEST_CASE("merging goes by rank, whatever the word's length", "[unit]") {
  for (unsigned seed = 0; seed < 20; ++seed) {
    Toy const toy(seed, 40);
    auto const pairs = toy.pairs();
    std::mt19937 random(seed);
    for (std::size_t length : {0, 1, 2, 3, 7, 20, 47, 48, 49, 50, 90, 300}) {
      std::string word;
      while (word.size() < length) word += "abc"[random() % 3];
      CAPTURE(seed, word);
      Ids ids = {-1};
      pairs.encode(word, ids);
      auto expected = toy.merged(word);
      expected.insert(expected.begin(), -1);
      CHECK(ids == expected);
      Ids again = {-1};  // by what is known now of whole words
      pairs.encode(word, again);
      CHECK(again == expected);
    }
  }
}

TEST_CASE("a token that merging does not reach is not used, unless merges are ignored", "[unit]") {
  Toy toy(0, 0);
  toy.tokens.emplace_back("abc");
  toy.tokens.emplace_back("");
  auto pairs = toy.pairs();
  Ids ids;
  pairs.encode("abc", ids);
  CHECK(ids == Ids{'a', 'b', 'c'});
  auto ignoring = toy.pairs();
  ignoring.set_ignore_merges(true);
  ids.clear();
  ignoring.encode("abc", ids);
  CHECK(ids == Ids{256});
  CHECK(pairs.find("abc") == 256);
  CHECK_FALSE(pairs.find("ab"));
  CHECK_FALSE(pairs.find(""));
}
