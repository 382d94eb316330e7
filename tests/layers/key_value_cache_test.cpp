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
  cache.truncate(3);
  auto const [keys, values] = cache.append(0, second, second);
  CHECK(keys.equal(at::cat({first.narrow(2, 0, 3), second}, 2)));
  CHECK(values.equal(keys));
}
