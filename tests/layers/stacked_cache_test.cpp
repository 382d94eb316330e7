#include <vcflash/layers/stacked_cache.hpp>

#include <ATen/ops/cat.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/zeros.h>

#include <catch2/catch_test_macros.hpp>

using namespace vcflash;

namespace {

using Cache = KeyValueCache<2>;

Cache random_cache(std::int64_t rows, std::int64_t tokens) {
  Cache cache;
  for (std::int64_t layer = 0; layer < 2; ++layer) {
    cache.append(layer, at::randn({rows, 3, tokens, 4}), at::randn({rows, 3, tokens, 4}));
  }
  return cache;
}

}  // namespace

TEST_CASE("sequences of several caches end together in one, zeros before the shorter", "[unit]") {
  Cache const one = random_cache(1, 5), two = random_cache(2, 7);
  Cache const both = stacked<2>({{&one, 0, 0, 5}, {&two, 1, 2, 3}}, 6);
  CHECK(both.tokens() == 6);
  CHECK(both.padding() == std::vector<std::int64_t>{1, 3});
  for (std::int64_t layer = 0; layer < 2; ++layer) {
    for (bool const values : {false, true}) {
      auto const of = [&](Cache const& cache) {
        auto const [k, v] = cache.of(layer);
        return values ? v : k;
      };
      CHECK(of(both)[0].equal(at::cat({at::zeros({3, 1, 4}), of(one)[0]}, 1)));
      CHECK(of(both)[1].equal(at::cat({at::zeros({3, 3, 4}), of(two)[1].narrow(1, 2, 3)}, 1)));
    }
  }
}

TEST_CASE("a stretch replaces what a row held, and no other row", "[unit]") {
  Cache const source = random_cache(1, 4);
  Cache cache = blank_cache(source, 2, 6);
  CHECK(cache.of(1).second.equal(at::zeros({2, 3, 6, 4})));
  copy_stretch<2>({&source, 0, 0, 4}, cache, 1, 2);
  CHECK(cache.of(0).first[0].equal(at::zeros({3, 6, 4})));
  CHECK(cache.of(0).first[1].narrow(1, 2, 4).equal(source.of(0).first[0]));
  CHECK(cache.of(1).second[1].narrow(1, 2, 4).equal(source.of(1).second[0]));
}
