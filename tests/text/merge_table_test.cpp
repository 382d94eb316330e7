#include <catch2/catch_test_macros.hpp>
#include <random>
#include <set>

#include <vcflash/text/merge_table.hpp>

using namespace vcflash::text;

TEST_CASE("every merge is found by its pair, and no other pair is", "[unit]") {
  CHECK(MergeTable().rank_of(0, 0) == MergeTable::no_rank);
  std::mt19937 random(1);
  for (std::size_t const count : {1u, 2u, 3u, 4u, 31u, 32u, 1000u, 70'000u}) {
    std::set<std::pair<TokenId, TokenId>> pairs;
    std::vector<Merge> merges;
    auto const any = [&] { return static_cast<TokenId>(random() % 5000); };
    while (merges.size() < count) {
      Merge const merge = {any(), any(), any()};
      if (pairs.emplace(merge.left, merge.right).second) merges.push_back(merge);
    }
    MergeTable const table(merges);
    REQUIRE(table.size() == count);
    for (std::uint32_t rank = 0; rank < count; ++rank) {
      REQUIRE(table.rank_of(merges[rank].left, merges[rank].right) == rank);
      REQUIRE(table[rank].joined == merges[rank].joined);
    }
    for (int i = 0; i < 10'000; ++i) {
      std::pair const pair(any(), any());
      if (pairs.contains(pair)) continue;
      REQUIRE(table.rank_of(pair.first, pair.second) == MergeTable::no_rank);
    }
  }
}

TEST_CASE("of a pair that comes twice the later merge counts", "[unit]") {
  MergeTable const table({{1, 2, 3}, {2, 1, 4}, {1, 2, 5}});
  CHECK(table.rank_of(1, 2) == 2);
  CHECK(table.rank_of(2, 1) == 1);
}
