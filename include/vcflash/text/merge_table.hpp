#pragma once

#include <bit>
#include <cstdint>
#include <utility>
#include <vector>

namespace vcflash::text {

/// The number of a vocabulary's token.
using TokenId = std::int32_t;
inline constexpr TokenId no_token = -1;

/// Two neighbouring tokens and the one that they become.
struct Merge {
  TokenId left, right, joined;
};

/// The merges of a byte pair encoding by rank, found by their two tokens. A place of the hash table
/// is 32 bits, a rank and what is left for bits of the hash, so that the table of 150,000 merges
/// stays in a processor's second cache.
class MergeTable {
 public:
  static constexpr std::uint32_t no_rank = ~std::uint32_t{0};

  MergeTable() : MergeTable(std::vector<Merge>{}) {}

  /// \param merges by rank; of a pair that comes twice the later counts, as in Hugging Face's
  /// reader
  explicit MergeTable(std::vector<Merge> merges)
      : merges_(std::move(merges)),
        rank_bits_(static_cast<unsigned>(std::bit_width(merges_.size()))),
        places_(std::bit_ceil(merges_.size() * 2 + 2), free_place) {
    for (std::uint32_t rank = 0; rank < merges_.size(); ++rank) {
      auto const& merge = merges_[rank];
      auto const hash = hash_of(merge.left, merge.right);
      auto at = hash & (places_.size() - 1);
      while (places_[at] != free_place && !joins(places_[at], merge.left, merge.right)) {
        at = (at + 1) & (places_.size() - 1);
      }
      places_[at] = tag_of(hash) | rank;
    }
  }

  std::uint32_t size() const { return static_cast<std::uint32_t>(merges_.size()); }
  /// \param rank in [0, size())
  Merge const& operator[](std::uint32_t rank) const { return merges_[rank]; }

  /// The rank of the merge of two tokens, `no_rank` where there is none.
  std::uint32_t rank_of(TokenId left, TokenId right) const {
    auto const hash = hash_of(left, right);
    auto const tag = tag_of(hash);
    for (auto at = hash & (places_.size() - 1);; at = (at + 1) & (places_.size() - 1)) {
      auto const place = places_[at];
      if (place == free_place) return no_rank;
      if ((place ^ tag) >> rank_bits_ == 0 && joins(place, left, right)) return rank_in(place);
    }
  }

 private:
  static constexpr std::uint32_t free_place = ~std::uint32_t{0};  // no rank has all bits set

  static std::uint64_t hash_of(TokenId left, TokenId right) {  // ends as SplitMix64 does
    auto value = static_cast<std::uint64_t>(static_cast<std::uint32_t>(left)) << 32 |
                 static_cast<std::uint32_t>(right);
    value = (value ^ value >> 30) * 0xBF58476D1CE4E5B9u;
    value = (value ^ value >> 27) * 0x94D049BB133111EBu;
    return value ^ value >> 31;
  }

  std::uint32_t tag_of(std::uint64_t hash) const {
    return static_cast<std::uint32_t>(hash >> 32) << rank_bits_;
  }
  std::uint32_t rank_in(std::uint32_t place) const {
    return place & ~(~std::uint32_t{0} << rank_bits_);
  }
  bool joins(std::uint32_t place, TokenId left, TokenId right) const {
    auto const& merge = merges_[rank_in(place)];
    return merge.left == left && merge.right == right;
  }

  std::vector<Merge> merges_;
  unsigned rank_bits_;
  std::vector<std::uint32_t> places_;
};

}  // namespace vcflash::text
