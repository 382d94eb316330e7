#include <vcflash/layers/key_value_cache.hpp>

#include <ATen/ops/cat.h>
#include <ATen/ops/randn.h>

#include <catch2/catch_test_macros.hpp>

using namespace vcflash;

TEST_CASE("a cache gives back all it was given, across its growth", "[unit]") {
  KeyValueCache<2> cache;
  std::vector<at::Tensor> keys;
  for (std::int64_t step = 0; step < 4; ++step) {
    keys.push_back(at::randn({1, 2, 200, 4}));
    for (std::int64_t layer = 0; layer < 2; ++layer) {
      auto const [all_keys, all_values] = cache.append(layer, keys.back(), keys.back() * 2);
      CHECK(all_keys.equal(at::cat(keys, 2)));
      CHECK(all_values.equal(at::cat(keys, 2) * 2));
    }
    CHECK(cache.tokens() == 200 * (step + 1));
  }
}

TEST_CASE("a cache that was cut goes on from there", "[unit]") {
  KeyValueCache<1> cache;
  at::Tensor const first = at::randn({1, 1, 5, 4}), second = at::randn({1, 1, 2, 4});
  cache.append(0, first, first);
  CHECK(cache.truncate(3) == 3);
  auto const [keys, values] = cache.append(0, second, second);
  CHECK(keys.equal(at::cat({first.narrow(2, 0, 3), second}, 2)));
  CHECK(values.equal(keys));
}

TEST_CASE("a later layer may hold fewer tokens, and a cut behind them counts for both", "[unit]") {
  KeyValueCache<2> cache;
  auto const add = [&](std::int64_t first, std::int64_t second) {
    at::Tensor const a = at::randn({1, 1, first, 4}), b = at::randn({1, 1, second, 4});
    cache.append(0, a, a);
    return std::get<0>(cache.append(1, b, b));
  };
  at::Tensor const kept = add(10, 4).clone();
  cache.drop(1, 6);
  add(2, 2);
  CHECK(cache.tokens() == 12);
  CHECK(cache.tokens(1) == 6);
  CHECK(cache.truncate(11) == 11);
  CHECK(cache.tokens(1) == 5);
  CHECK(cache.truncate(10) == 10);
  CHECK(cache.of(1).first.equal(kept));
}

TEST_CASE("a cut before tokens that a later layer was not given forgets all", "[unit]") {
  KeyValueCache<2> cache;
  cache.append(0, at::randn({1, 1, 10, 4}), at::randn({1, 1, 10, 4}));
  cache.append(1, at::randn({1, 1, 4, 4}), at::randn({1, 1, 4, 4}));
  cache.drop(1, 6);
  CHECK(cache.truncate(9) == 0);
  CHECK(cache.tokens(1) == 0);
}

TEST_CASE("buffers hold little more than was asked for, or exactly what was reserved", "[unit]") {
  KeyValueCache<1> growing, reserved;
  reserved.reserve(3000);
  at::Tensor const some = at::randn({1, 1, 1000, 4});
  for (int i = 0; i < 3; ++i) {
    growing.append(0, some, some);
    reserved.append(0, some, some);
  }
  auto const room = [](KeyValueCache<1> const& cache) {
    return cache.of(0).first.storage().nbytes() / (4 * sizeof(float));
  };
  CHECK(room(growing) <= 3750U);
  CHECK(room(reserved) == 3000U);
  reserved.append(0, some, some);  // more than that is held all the same
  CHECK(reserved.tokens() == 4000);
}

TEST_CASE("padding stands behind what sequences have in common, in every layer", "[unit]") {
  KeyValueCache<2> cache;
  cache.append(0, at::randn({2, 1, 9, 4}), at::randn({2, 1, 9, 4}));
  cache.append(1, at::randn({2, 1, 6, 4}), at::randn({2, 1, 6, 4}));
  cache.pad_left({0, 2}, 5);
  CHECK(cache.before_padding(0) == 4);
  CHECK(cache.before_padding(1) == 1);
  cache.pad_left({1, 0});  // of what comes next
  CHECK(cache.before_padding(1) == 6);
}

TEST_CASE("lengths that agree by chance hide no token that was dropped", "[unit]") {
  KeyValueCache<2> cache;
  auto const tokens = [](std::int64_t count) { return at::randn({1, 1, count, 4}); };
  cache.append(0, tokens(1024), tokens(1024));
  cache.append(0, tokens(512), tokens(512));
  cache.append(1, tokens(512), tokens(512));
  cache.drop(1, 1024);
  CHECK(cache.truncate(1000) == 0);
  CHECK(cache.tokens(1) == 0);
}

TEST_CASE("a pass that ended between two layers leaves a cache that can be cut", "[unit]") {
  KeyValueCache<2> cache;
  auto const tokens = [](std::int64_t count) { return at::randn({1, 1, count, 4}); };
  for (std::int64_t layer : {0, 1}) cache.append(layer, tokens(10), tokens(10));
  cache.append(0, tokens(5), tokens(5));
  CHECK(cache.truncate(10) == 10);
  CHECK(cache.tokens(0) == 10);
  CHECK(cache.tokens(1) == 10);
}

TEST_CASE("tokens of another number of sequences are refused", "[unit]") {
  KeyValueCache<1> cache;
  cache.append(0, at::randn({8, 1, 3, 4}), at::randn({8, 1, 3, 4}));
  CHECK_THROWS_AS(cache.append(0, at::randn({1, 1, 1, 4}), at::randn({1, 1, 1, 4})), Error);
}

TEST_CASE("a cache is moved, never copied", "[unit]") {
  STATIC_CHECK_FALSE(std::is_copy_constructible_v<KeyValueCache<2>>);
  STATIC_CHECK(std::is_move_constructible_v<KeyValueCache<2>>);
}
