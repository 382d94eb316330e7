#include <vcflash/data/shapes/random.hpp>

#include <algorithm>
#include <cstdint>
#include <vector>

#include <catch2/catch_test_macros.hpp>

using vcflash::data::shapes::Random;

TEST_CASE("a stream of random numbers is known by seed, purpose and index", "[unit]") {
  auto const first = [](std::uint64_t seed, std::uint64_t purpose, std::uint64_t index) {
    return Random(seed, purpose, index).real(0, 1);
  };
  CHECK(first(1, 2, 3) == first(1, 2, 3));
  CHECK(first(1, 2, 3) != first(2, 2, 3));
  CHECK(first(1, 2, 3) != first(1, 3, 3));
  CHECK(first(1, 2, 3) != first(1, 2, 4));
}

TEST_CASE("numbers stay in their range and weights in proportion", "[unit]") {
  Random random(7, 0, 0);
  std::vector<int> counts(4), drawn(3);
  for (int i = 0; i < 4000; ++i) {
    ++counts[static_cast<std::size_t>(random.below(4))];
    ++drawn[random.weighted({1, 0, 3})];
    double const real = random.real(-2, -1);
    CHECK((real >= -2 && real < -1));
  }
  for (int const count : counts) CHECK((count > 850 && count < 1150));
  CHECK((drawn[0] > 850 && drawn[0] < 1150));
  CHECK(drawn[1] == 0);
}

TEST_CASE("shuffling keeps every value", "[unit]") {
  Random random(7, 0, 1);
  std::vector<int> values{1, 2, 3, 4, 5, 6, 7, 8};
  auto shuffled = values;
  random.shuffle(shuffled);
  CHECK(shuffled != values);
  std::sort(shuffled.begin(), shuffled.end());
  CHECK(shuffled == values);
}
