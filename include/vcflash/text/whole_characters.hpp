#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include <vcflash/text/merge_table.hpp>
#include <vcflash/text/utf8.hpp>

namespace vcflash::text {

/// What merging a word may start from: a character's one token instead of its bytes, wherever the
/// result stays the same. Most merges of a Chinese word only put its characters together.
///
/// A character may stand whole from the start if merges come in the order of their ranks (each
/// token is made by one merge, of parts of lower ranks), if merging its bytes alone ends in its
/// token, and if meanwhile nothing reaches over its ends: no part of it at an end has a merge with
/// a token of the neighbour that comes before the merge that takes the part in. Such merges are few
/// ("\x93" and "名" in Qwen2.5's vocabulary). Characters that have them are kept with the
/// neighbours they fear, and start as bytes beside one of these.
class WholeCharacters {
 public:
  /// No character is whole, every word starts as its bytes.  \param bytes their ids
  explicit WholeCharacters(std::array<TokenId, 256> const& bytes) : bytes_(bytes) {}

  /// \param tokens bytes of each token, indexed by id  \param bytes the ids of the single bytes
  WholeCharacters(std::vector<std::string> const& tokens, MergeTable const& merges,
                  std::array<TokenId, 256> const& bytes)
      : WholeCharacters(bytes) {
    std::vector<std::uint32_t> maker(tokens.size(), MergeTable::no_rank);
    if (!find_makers(tokens, merges, maker)) return;
    auto const text_of = [&](TokenId id) -> std::string_view {
      return tokens[static_cast<std::size_t>(id)];
    };
    // By the part of a character: what may merge with it over the character's begin or end.
    std::unordered_map<TokenId, std::vector<Crossing>> over_begin, over_end;
    for (std::uint32_t rank = 0; rank < merges.size(); ++rank) {
      auto const& merge = merges[rank];
      auto const left = text_of(merge.left), right = text_of(merge.right);
      if (is_continuation(right[0])) continue;
      if (next_code_point(right).valid) {
        if (is_continuation(left[0])) {
          over_end[merge.left].push_back({rank, set_of(next_code_point(right).code_point)});
        }
      } else {
        over_begin[merge.right].push_back({rank, set_of_last(left)});
        if (is_continuation(left[0])) over_end[merge.left].push_back({rank, every_neighbour});
      }
    }
    std::map<NeighbourSet, std::uint16_t> known = {{0, 0}};
    auto const number_of = [&](NeighbourSet set) {
      auto const [place, is_new] = known.emplace(set, static_cast<std::uint16_t>(sets_.size()));
      if (is_new) sets_.push_back(set);
      return place->second;
    };
    characters_.resize(0x10000);
    for (std::size_t byte = 0; byte < 0x80; ++byte) characters_[byte].token = bytes[byte];
    for (TokenId id = 0; static_cast<std::size_t>(id) < tokens.size(); ++id) {
      auto const text = text_of(id);
      if (text.size() < 2 || text.size() > 3 || sets_.size() > 0xFFF0) continue;
      auto const step = next_code_point(text);
      if (step.bytes != text.size() || !step.valid || merged(text, merges) != id) continue;
      NeighbourSet before = 0, after = 0;
      for (TokenId part = id; text_of(part).size() > 1;) {
        auto const rank = maker[static_cast<std::size_t>(part)];
        part = merges[rank].left;
        before |= feared(over_begin, part, rank);
      }
      for (TokenId part = id; text_of(part).size() > 1;) {
        auto const rank = maker[static_cast<std::size_t>(part)];
        part = merges[rank].right;
        after |= feared(over_end, part, rank);
      }
      characters_[step.code_point] = {id, number_of(before), number_of(after)};
    }
  }

  /// The tokens that merging `word` starts from.
  /// \param word valid UTF-8  \param starts room for as many as `word` has bytes
  /// \return how many there are
  std::size_t start(std::string_view word, std::span<TokenId> starts) const {
    std::size_t count = 0;
    NeighbourSet before = 0;
    auto step = word.empty() ? Utf8Step{} : next_code_point(word);
    for (std::size_t at = 0; at < word.size();) {
      auto const end = at + step.bytes;
      auto const next = end < word.size() ? next_code_point(word.substr(end)) : Utf8Step{};
      auto const after = end < word.size() ? set_of(next.code_point) : 0;
      auto const character =
          step.code_point < characters_.size() ? characters_[step.code_point] : Character{};
      if (character.token != no_token && (sets_[character.before] & before) == 0 &&
          (sets_[character.after] & after) == 0) {
        starts[count++] = character.token;
      } else {
        for (; at < end; ++at) starts[count++] = bytes_[static_cast<unsigned char>(word[at])];
      }
      at = end;
      before = set_of(step.code_point);
      step = next;
    }
    return count;
  }

 private:
  /// Characters by the low six bits of their code points, a bit for each.
  using NeighbourSet = std::uint64_t;
  static constexpr NeighbourSet every_neighbour = ~NeighbourSet{0};

  struct Character {
    TokenId token = no_token;
    std::uint16_t before = 0, after = 0;  // of `sets_`: the neighbours it fears
  };

  struct Crossing {
    std::uint32_t rank;
    NeighbourSet neighbours;
  };

  static NeighbourSet set_of(char32_t code_point) { return NeighbourSet{1} << (code_point & 63); }

  /// The character that `text` ends with; every one where it has only the end of one.
  static NeighbourSet set_of_last(std::string_view text) {
    auto at = text.size() - 1;
    while (at > 0 && is_continuation(text[at])) --at;
    auto const step = next_code_point(text.substr(at));
    return step.valid ? set_of(step.code_point) : every_neighbour;
  }

  static bool is_continuation(char byte) {
    return (static_cast<unsigned char>(byte) & 0xC0) == 0x80;
  }

  static NeighbourSet feared(std::unordered_map<TokenId, std::vector<Crossing>> const& crossings,
                             TokenId part, std::uint32_t rank) {
    NeighbourSet set = 0;
    auto const found = crossings.find(part);
    if (found == crossings.end()) return set;
    for (auto const& crossing : found->second) {
      if (crossing.rank < rank) set |= crossing.neighbours;
    }
    return set;
  }

  /// Sets the rank that makes each token.
  /// \return false where merges do not come in the order of their ranks
  static bool find_makers(std::vector<std::string> const& tokens, MergeTable const& merges,
                          std::vector<std::uint32_t>& maker) {
    auto const known = [&](TokenId id) {
      auto const at = static_cast<std::size_t>(id);
      return tokens[at].size() == 1 || maker[at] != MergeTable::no_rank;
    };
    for (std::uint32_t rank = 0; rank < merges.size(); ++rank) {
      auto const& merge = merges[rank];
      if (!known(merge.left) || !known(merge.right) || known(merge.joined)) return false;
      maker[static_cast<std::size_t>(merge.joined)] = rank;
    }
    return true;
  }

  /// The token that merging the bytes of one character ends in; none where several are left.
  TokenId merged(std::string_view character, MergeTable const& merges) const {
    std::vector<TokenId> parts;
    for (char const byte : character) parts.push_back(bytes_[static_cast<unsigned char>(byte)]);
    while (parts.size() > 1) {
      std::size_t best = 0;
      auto best_rank = MergeTable::no_rank;
      for (std::size_t i = 0; i + 1 < parts.size(); ++i) {
        auto const rank = merges.rank_of(parts[i], parts[i + 1]);
        if (rank < best_rank) {
          best = i;
          best_rank = rank;
        }
      }
      if (best_rank == MergeTable::no_rank) return no_token;
      parts[best] = merges[best_rank].joined;
      parts.erase(parts.begin() + static_cast<std::ptrdiff_t>(best) + 1);
    }
    return parts[0];
  }

  std::array<TokenId, 256> bytes_;
  std::vector<Character> characters_;  // by code point, up to U+FFFF; empty where none is whole
  std::vector<NeighbourSet> sets_ = {0};
};

}  // namespace vcflash::text
