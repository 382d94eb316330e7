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
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

namespace vcflash::text {

/// Byte pair encoding (Sennrich et al. 2016) over bytes: a word starts as its bytes, and as long
/// as two neighbours have a merge, the pair of the lowest rank, of equals the leftmost, becomes
/// one token. Const use from many threads is safe.
class BytePairs {
 public:
  using Id = std::int32_t;
  static constexpr Id none = -1;

  /// \param tokens bytes of each token, indexed by id; an empty string where an id is unused
  explicit BytePairs(std::vector<std::string> tokens)
      : tokens_(std::move(tokens)),
        by_bytes_(slots_for(tokens_.size()), none),
        whole_(std::make_unique<std::atomic<std::uint8_t>[]>(tokens_.size())) {
    for (std::size_t id = 0; id < tokens_.size(); ++id) {
      if (tokens_[id].empty()) continue;
      if (find(tokens_[id])) continue;  // of equal tokens the first is found
      auto slot = hash_of(tokens_[id]) & (by_bytes_.size() - 1);
      while (by_bytes_[slot] != none) slot = (slot + 1) & (by_bytes_.size() - 1);
      by_bytes_[slot] = static_cast<Id>(id);
    }
    for (int byte = 0; byte < 256; ++byte) {
      char const text = static_cast<char>(byte);
      byte_ids_[static_cast<std::size_t>(byte)] = find({&text, 1}).value_or(none);
    }
  }

  /// Gives the pairs their ranks, in order; `joined` are the ids of what they become. Of a pair
  /// that comes twice the later counts, as in Hugging Face's reader.
  struct Merge {
    Id left, right, joined;
  };
  void set_merges(std::vector<Merge> const& merges) {
    pairs_.assign(slots_for(merges.size()), Pair{});
    for (std::size_t rank = 0; rank < merges.size(); ++rank) {
      auto const& merge = merges[rank];
      auto const key = key_of(merge.left, merge.right);
      auto slot = mixed(key) & (pairs_.size() - 1);
      while (pairs_[slot].key != no_key && pairs_[slot].key != key) {
        slot = (slot + 1) & (pairs_.size() - 1);
      }
      pairs_[slot] = {key, static_cast<std::uint32_t>(rank), merge.joined};
    }
    byte_pairs_.resize(256 * 256);
    for (std::size_t left = 0; left < 256; ++left) {
      for (std::size_t right = 0; right < 256; ++right) {
        auto const& pair = pair_of(byte_ids_[left], byte_ids_[right]);
        byte_pairs_[left << 8 | right] = {pair.rank, pair.joined};
      }
    }
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
      if (id == none) return std::nullopt;
      if (tokens_[static_cast<std::size_t>(id)] == bytes) return id;
    }
  }

  /// Appends the ids of one word. Most words of a text are one token: the first time such a word
  /// is met, merging shows whether it leads to that token, and the answer is remembered.
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
  static constexpr std::uint32_t no_rank = ~std::uint32_t{0};
  static constexpr std::size_t short_word = 48;
  static constexpr std::uint8_t unknown = 0, yes = 1, no = 2;

  struct Pair {
    std::uint64_t key = no_key;
    std::uint32_t rank = no_rank;
    Id joined = none;
  };

  static std::size_t slots_for(std::size_t entries) { return std::bit_ceil(entries * 2 + 2); }

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

  static std::uint64_t key_of(Id left, Id right) {
    return static_cast<std::uint64_t>(static_cast<std::uint32_t>(left)) << 32 |
           static_cast<std::uint32_t>(right);
  }

  static Pair const& no_pair() {
    static constexpr Pair pair{};
    return pair;
  }

  Pair const& pair_of(Id left, Id right) const {
    if (pairs_.empty()) return no_pair();
    auto const key = key_of(left, right);
    for (auto slot = mixed(key) & (pairs_.size() - 1);; slot = (slot + 1) & (pairs_.size() - 1)) {
      auto const& pair = pairs_[slot];
      if (pair.key == key || pair.key == no_key) return pair;
    }
  }

  void merge_into(std::string_view word, std::vector<std::int64_t>& ids) const {
    if (word.size() <= short_word) {
      merge_short(word, ids);
    } else {
      merge_long(word, ids);
    }
  }

  /// Looks for the lowest rank anew after each merge: quadratic, and the fastest for few bytes.
  void merge_short(std::string_view word, std::vector<std::int64_t>& ids) const {
    std::array<Id, short_word> tokens;
    std::array<std::uint32_t, short_word> ranks;  // ranks[i] joins tokens[i] and tokens[i + 1]
    std::array<Id, short_word> joined;            // to joined[i]
    std::size_t count = word.size();
    for (std::size_t i = 0; i < count; ++i) tokens[i] = byte_ids_[byte_at(word, i)];
    for (std::size_t i = 0; i + 1 < count; ++i) {
      std::tie(ranks[i], joined[i]) = byte_pair_at(word, i);
    }
    while (count > 1) {
      std::size_t best = 0;
      for (std::size_t i = 1; i + 1 < count; ++i) {
        if (ranks[i] < ranks[best]) best = i;
      }
      if (ranks[best] == no_rank) break;
      tokens[best] = joined[best];
      --count;
      for (std::size_t i = best + 1; i < count; ++i) {
        tokens[i] = tokens[i + 1];
        ranks[i - 1] = ranks[i];  // ranks[best] is looked up below
        joined[i - 1] = joined[i];
      }
      auto const look_up = [&](std::size_t i) {
        auto const& pair = pair_of(tokens[i], tokens[i + 1]);
        ranks[i] = pair.rank;
        joined[i] = pair.joined;
      };
      if (best + 1 < count) look_up(best);
      if (best > 0) look_up(best - 1);
    }
    ids.insert(ids.end(), tokens.begin(), tokens.begin() + count);
  }

  /// Keeps the pairs in a heap by rank and place: n log n, for words without end.
  void merge_long(std::string_view word, std::vector<std::int64_t>& ids) const {
    struct Node {
      Id token;
      std::uint32_t previous, next;
      Pair pair;  // with the next node
    };
    auto const count = static_cast<std::uint32_t>(word.size());
    std::vector<Node> nodes(count);
    using Entry = std::uint64_t;  // rank in the high half, place in the low one
    std::priority_queue<Entry, std::vector<Entry>, std::greater<>> heap;
    auto const push = [&](std::uint32_t at) {
      auto const rank = nodes[at].pair.rank;
      if (rank != no_rank) heap.push(static_cast<Entry>(rank) << 32 | at);
    };
    auto const pair_up = [&](std::uint32_t at) {
      auto& node = nodes[at];
      node.pair = node.next < count ? pair_of(node.token, nodes[node.next].token) : no_pair();
      push(at);
    };
    for (std::uint32_t i = 0; i < count; ++i) {
      nodes[i] = {byte_ids_[byte_at(word, i)], i - 1, i + 1, Pair{}};
    }
    for (std::uint32_t i = 0; i + 1 < count; ++i) {
      std::tie(nodes[i].pair.rank, nodes[i].pair.joined) = byte_pair_at(word, i);
      push(i);
    }
    while (!heap.empty()) {
      auto const entry = heap.top();
      heap.pop();
      auto const at = static_cast<std::uint32_t>(entry);
      auto& node = nodes[at];
      // A node that has changed since has another rank: one rank is one pair.
      if (node.token == none || node.pair.rank != static_cast<std::uint32_t>(entry >> 32)) continue;
      node.token = node.pair.joined;
      auto& gone = nodes[node.next];
      node.next = gone.next;
      gone.token = none;
      if (node.next < count) nodes[node.next].previous = at;
      pair_up(at);
      if (at > 0) pair_up(node.previous);
    }
    for (std::uint32_t i = 0; i < count; i = nodes[i].next) ids.push_back(nodes[i].token);
  }

  /// Rank and result of the pair of the bytes `i` and `i + 1`.
  std::pair<std::uint32_t, Id> byte_pair_at(std::string_view word, std::size_t i) const {
    if (byte_pairs_.empty()) return {no_rank, none};
    return byte_pairs_[byte_at(word, i) << 8 | byte_at(word, i + 1)];
  }

  static std::size_t byte_at(std::string_view word, std::size_t i) {
    return static_cast<unsigned char>(word[i]);
  }

  std::vector<std::string> tokens_;
  std::vector<Id> by_bytes_;
  std::vector<Pair> pairs_;
  std::vector<std::pair<std::uint32_t, Id>> byte_pairs_;  // every word starts with these
  std::array<Id, 256> byte_ids_{};
  std::unique_ptr<std::atomic<std::uint8_t>[]> whole_;
  bool ignore_merges_ = false;
};

}  // namespace vcflash::text
