#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <vcflash/text/bpe.hpp>

namespace vcflash::test {

/// A vocabulary, and byte pair encoding with it by the definition, however slow.
struct PlainMerging {
  std::vector<std::string> tokens;  // by id
  std::vector<text::Merge> merges;  // by rank

  text::BytePairs pairs() const {
    text::BytePairs made(tokens);
    made.set_merges(merges);
    return made;
  }

  std::array<text::TokenId, 256> byte_ids() const {
    std::array<text::TokenId, 256> ids{};
    for (std::size_t id = 0; id < tokens.size(); ++id) {
      if (tokens[id].size() != 1) continue;
      ids[static_cast<unsigned char>(tokens[id][0])] = static_cast<text::TokenId>(id);
    }
    return ids;
  }

  /// The lowest rank, of equals the leftmost, until nothing is left to merge.
  std::vector<std::int64_t> merged(std::string_view word) const {
    if (ranks_.empty()) {
      for (std::size_t rank = 0; rank < merges.size(); ++rank) {
        ranks_[{merges[rank].left, merges[rank].right}] = rank;
      }
    }
    std::vector<std::int64_t> ids;
    auto const bytes = byte_ids();
    for (char const byte : word) ids.push_back(bytes[static_cast<unsigned char>(byte)]);
    for (;;) {
      std::size_t best = ids.size(), best_rank = merges.size();
      for (std::size_t i = 0; i + 1 < ids.size(); ++i) {
        auto const rank = ranks_.find({ids[i], ids[i + 1]});
        if (rank == ranks_.end() || rank->second >= best_rank) continue;
        best = i;
        best_rank = rank->second;
      }
      if (best == ids.size()) return ids;
      ids[best] = merges[best_rank].joined;
      ids.erase(ids.begin() + static_cast<std::ptrdiff_t>(best) + 1);
    }
  }

 private:
  mutable std::map<std::pair<std::int64_t, std::int64_t>, std::size_t> ranks_;
};

/// `count` of the characters, drawn.
inline std::string drawn_word(std::vector<std::string> const& characters, std::size_t count,
                              std::mt19937& random) {
  std::string word;
  for (std::size_t i = 0; i < count; ++i) word += characters[random() % characters.size()];
  return word;
}

/// A vocabulary of at most `count` merges of pairs that stand in a random text of the characters,
/// each where the earlier ones have left it, as training finds them.
inline PlainMerging learned_merges(unsigned seed, int count,
                                   std::vector<std::string> const& characters) {
  PlainMerging made;
  for (int byte = 0; byte < 256; ++byte) made.tokens.emplace_back(1, static_cast<char>(byte));
  std::mt19937 random(seed);
  std::vector<text::TokenId> text;
  for (char const byte : drawn_word(characters, 300, random)) {
    text.push_back(static_cast<unsigned char>(byte));
  }
  std::map<std::string, text::TokenId> known;
  for (int i = 0; i < count && text.size() > 1; ++i) {
    auto const place = random() % (text.size() - 1);
    auto const left = text[place], right = text[place + 1];
    auto const joined = static_cast<text::TokenId>(made.tokens.size());
    auto bytes =
        made.tokens[static_cast<std::size_t>(left)] + made.tokens[static_cast<std::size_t>(right)];
    if (!known.emplace(bytes, joined).second) continue;
    made.tokens.push_back(std::move(bytes));
    made.merges.push_back({left, right, joined});
    std::vector<text::TokenId> rest;
    for (std::size_t at = 0; at < text.size(); ++at) {
      bool const pair = at + 1 < text.size() && text[at] == left && text[at + 1] == right;
      rest.push_back(pair ? joined : text[at]);
      at += pair ? 1 : 0;
    }
    text = std::move(rest);
  }
  return made;
}

}  // namespace vcflash::test
