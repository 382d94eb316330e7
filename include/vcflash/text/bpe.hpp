#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <cstdint>
#include <cstring>
#include <functional>
#include <memory>
#include <optional>
#include <queue>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <vcflash/text/merge_table.hpp>
#include <vcflash/text/whole_characters.hpp>

namespace vcflash::text {

/// Byte pair encoding (Sennrich et al. 2016) over bytes: a word starts as its bytes, and as long
/// as two neighbours have a merge, the pair of the lowest rank, of equals the leftmost, becomes
/// one token. Const use from many threads is safe.
class BytePairs {
 public:
  using Id = TokenId;

  /// \param tokens bytes of each token, indexed by id; an empty string where an id is unused
  explicit BytePairs(std::vector<std::string> tokens)
      : tokens_(std::move(tokens)),
        by_bytes_(std::bit_ceil(tokens_.size() * 2 + 2), no_token),
        whole_(std::make_unique<std::atomic<std::uint8_t>[]>(tokens_.size())) {
    for (std::size_t id = 0; id < tokens_.size(); ++id) {
      if (tokens_[id].empty()) continue;
      if (find(tokens_[id])) continue;  // of equal tokens the first is found
      auto slot = hash_of(tokens_[id]) & (by_bytes_.size() - 1);
      while (by_bytes_[slot] != no_token) slot = (slot + 1) & (by_bytes_.size() - 1);
      by_bytes_[slot] = static_cast<Id>(id);
    }
    for (int byte = 0; byte < 256; ++byte) {
      char const text = static_cast<char>(byte);
      auto& id = byte_ids_[static_cast<std::size_t>(byte)];
      id = find({&text, 1}).value_or(no_token);
      lacks_bytes_ = lacks_bytes_ || id == no_token;
    }
    characters_ = WholeCharacters(byte_ids_);
  }

  /// \param merges by rank, of ids whose bytes together are those of what they become; of a pair
  /// that comes twice the later counts, as in Hugging Face's reader
  void set_merges(std::vector<Merge> merges) {
    merges_ = MergeTable(std::move(merges));
    characters_ = WholeCharacters(tokens_, merges_, byte_ids_);
  }

  /// A word that is a token as a whole is taken without merging (`ignore_merges`).
  void set_ignore_merges(bool ignore) { ignore_merges_ = ignore; }

  std::size_t size() const { return tokens_.size(); }
  /// The bytes of a token; empty where the id is unused.  \param id in [0, size())
  std::string_view bytes_of(std::size_t id) const { return tokens_[id]; }
  Id id_of_byte(unsigned char byte) const { return byte_ids_[byte]; }

  std::optional<Id> find(std::string_view bytes) const {
    for (auto slot = hash_of(bytes) & (by_bytes_.size() - 1);;
         slot = (slot + 1) & (by_bytes_.size() - 1)) {
      Id const id = by_bytes_[slot];
      if (id == no_token) return std::nullopt;
      if (tokens_[static_cast<std::size_t>(id)] == bytes) return id;
    }
  }

  /// Appends the ids of one word. Bytes that are no token are dropped first, as Hugging Face does
  /// where there is no token for the unknown: what was apart may merge. Most words of a text are
  /// one token: the first time such a word is met, merging shows whether it leads to that token,
  /// and the answer is remembered.
  /// \param word valid UTF-8
  void encode(std::string_view word, std::vector<std::int64_t>& ids) const {
    auto const id = find(word);
    if (!id) return merge_into(word, ids);
    auto& known = whole_[static_cast<std::size_t>(*id)];
    auto state = known.load(std::memory_order_relaxed);
    if (state == unknown) {
      std::vector<std::int64_t> merged;
      if (!ignore_merges_) merge_into(word, merged);
      state = ignore_merges_ || (merged.size() == 1 && merged[0] == *id) ? yes : no;
      known.store(state, std::memory_order_relaxed);
    }
    if (state == yes) {
      ids.push_back(*id);
    } else {
      merge_into(word, ids);
    }
  }

 private:
  static constexpr std::uint64_t no_key = ~std::uint64_t{0};
  static constexpr std::size_t short_word = 64;  // tokens
  static constexpr std::uint8_t unknown = 0, yes = 1, no = 2;

  static std::uint64_t mixed(std::uint64_t value) {  // the finaliser of SplitMix64
    value = (value ^ value >> 30) * 0xBF58476D1CE4E5B9u;
    value = (value ^ value >> 27) * 0x94D049BB133111EBu;
    return value ^ value >> 31;
  }

  static std::uint64_t hash_of(std::string_view bytes) {
    std::uint64_t hash = bytes.size();
    for (; bytes.size() >= 8; bytes.remove_prefix(8)) {
      std::uint64_t part;
      std::memcpy(&part, bytes.data(), 8);
      hash = mixed(hash ^ part);
    }
    std::uint64_t part = 0;
    for (std::size_t i = 0; i < bytes.size(); ++i) {
      part = part << 8 | static_cast<unsigned char>(bytes[i]);
    }
    return mixed(hash * 0x9E3779B97F4A7C15u ^ part);
  }

  void merge_into(std::string_view word, std::vector<std::int64_t>& ids) const {
    std::array<Id, 4 * short_word> few;
    std::vector<Id> many;
    std::span<Id> tokens = few;
    if (word.size() > few.size()) {
      many.resize(word.size());
      tokens = many;
    }
    tokens = tokens.first(lacks_byte_of(word) ? known_bytes(word, tokens)
                                              : characters_.start(word, tokens));
    if (tokens.size() <= short_word) {
      merge_short(tokens, ids);
    } else {
      merge_long(tokens, ids);
    }
  }

  bool lacks_byte_of(std::string_view word) const {
    return lacks_bytes_ && std::any_of(word.begin(), word.end(), [&](char byte) {
             return byte_ids_[static_cast<unsigned char>(byte)] == no_token;
           });
  }

  /// The tokens of the bytes that are one.  \return how many there are
  std::size_t known_bytes(std::string_view word, std::span<Id> tokens) const {
    std::size_t count = 0;
    for (char const byte : word) {
      auto const id = byte_ids_[static_cast<unsigned char>(byte)];
      if (id != no_token) tokens[count++] = id;
    }
    return count;
  }

  /// Looks for the lowest rank anew after each merge: quadratic, and the fastest for few tokens.
  void merge_short(std::span<Id> tokens, std::vector<std::int64_t>& ids) const {
    auto const count = tokens.size();
    std::array<std::uint64_t, short_word> keys;  // rank and place of the merge with the next token
    std::array<std::uint8_t, short_word> next, previous;
    auto const look_up = [&](std::size_t at) {
      keys[at] = no_key;
      if (next[at] == count) return;
      auto const rank = merges_.rank_of(tokens[at], tokens[next[at]]);
      if (rank != MergeTable::no_rank) keys[at] = std::uint64_t{rank} << 8 | at;
    };
    for (std::size_t at = 0; at < count; ++at) {
      next[at] = static_cast<std::uint8_t>(at + 1);
      previous[at] = static_cast<std::uint8_t>(at - 1);
      look_up(at);
    }
    for (;;) {
      auto best = no_key;
      for (std::size_t at = 0; at < count; ++at) best = std::min(best, keys[at]);
      if (best == no_key) break;
      auto const at = static_cast<std::size_t>(best & 0xFF), gone = std::size_t{next[at]};
      tokens[at] = merges_[static_cast<std::uint32_t>(best >> 8)].joined;
      keys[gone] = no_key;
      next[at] = next[gone];
      if (next[at] < count) previous[next[at]] = static_cast<std::uint8_t>(at);
      look_up(at);
      if (at > 0) look_up(previous[at]);
    }
    for (std::size_t at = 0; at < count; at = next[at]) ids.push_back(tokens[at]);
  }

  /// Keeps the merges in a heap by rank and place: n log n, for words without end.
  void merge_long(std::span<Id const> tokens, std::vector<std::int64_t>& ids) const {
    struct Node {
      Id token;
      std::uint32_t previous, next;
      std::uint32_t rank;  // of the merge with the next node
    };
    auto const count = static_cast<std::uint32_t>(tokens.size());
    std::vector<Node> nodes(count);
    using Entry = std::uint64_t;  // rank in the high half, place in the low one
    std::priority_queue<Entry, std::vector<Entry>, std::greater<>> heap;
    auto const pair_up = [&](std::uint32_t at) {
      auto& node = nodes[at];
      node.rank = node.next < count ? merges_.rank_of(node.token, nodes[node.next].token)
                                    : MergeTable::no_rank;
      if (node.rank != MergeTable::no_rank) heap.push(Entry{node.rank} << 32 | at);
    };
    for (std::uint32_t i = 0; i < count; ++i) {
      nodes[i] = {tokens[i], i - 1, i + 1, MergeTable::no_rank};
    }
    for (std::uint32_t i = 0; i < count; ++i) pair_up(i);
    while (!heap.empty()) {
      auto const entry = heap.top();
      heap.pop();
      auto const at = static_cast<std::uint32_t>(entry);
      auto& node = nodes[at];
      // A node that has changed since has another rank: one rank is one pair.
      if (node.token == no_token || node.rank != static_cast<std::uint32_t>(entry >> 32)) continue;
      node.token = merges_[node.rank].joined;
      auto& gone = nodes[node.next];
      node.next = gone.next;
      gone.token = no_token;
      if (node.next < count) nodes[node.next].previous = at;
      pair_up(at);
      if (at > 0) pair_up(node.previous);
    }
    for (std::uint32_t i = 0; i < count; i = nodes[i].next) ids.push_back(nodes[i].token);
  }

  std::vector<std::string> tokens_;
  std::vector<Id> by_bytes_;
  std::array<Id, 256> byte_ids_{};
  std::unique_ptr<std::atomic<std::uint8_t>[]> whole_;
  MergeTable merges_;
  WholeCharacters characters_{byte_ids_};
  bool ignore_merges_ = false;
  bool lacks_bytes_ = false;  ///< not every byte is a token
};

}  // namespace vcflash::text
