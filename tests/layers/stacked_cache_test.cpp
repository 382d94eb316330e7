#include <vcflash/layers/stacked_cache.hpp>

#include <ATen/ops/cat.h>
#include <ATen/ops/randn.h>

#include <catch2/catch_test_macros.hpp>

using namespace vcflash;

namespace {

using Cache = KeyValueCache<2>;

/// Of two layers, the second of which holds two tokens less.
Cache random_cache(std::int64_t rows, std::int64_t tokens) {
  Cache cache;
  for (std::int64_t layer = 0; layer < 2; ++layer) {
    cache.append(layer, at::randn({rows, 3, tokens - 2 * layer, 4}),
                 at::randn({rows, 3, tokens - 2 * layer, 4}));
  }
  return cache;
}

/// The values of a row of a layer: [heads, tokens, head_dim].
at::Tensor row_of(Cache const& cache, std::int64_t layer, std::int64_t row) {
  return cache.of(layer).second[row].clone();
}

}  // namespace

TEST_CASE("each of several sequences holds what the one did", "[unit]") {
  Cache const one = random_cache(1, 7);
  Cache const three = repeated(one, 3);
  for (std::int64_t layer = 0; layer < 2; ++layer) {
    CHECK(three.tokens(layer) == 7 - 2 * layer);
    for (std::int64_t row = 0; row < 3; ++row) {
      CHECK(row_of(three, layer, row).equal(row_of(one, layer, 0)));
    }
  }
  CHECK(repeated(Cache(), 3).tokens() == 0);
}

TEST_CASE("a sequence takes the place of another and ends with it, and no other row changes",
          "[unit]") {
  Cache const source = random_cache(2, 9);  // 5 before 4 of their own, and 3 before 4
  Cache target = random_cache(3, 11);       // 5 before 6, and 3 before 6
  Cache const before = some_rows(target, {0, 1, 2}, 6, 0);
  put_row(source, 1, 4, 3, target, 2);
  for (std::int64_t layer = 0; layer < 2; ++layer) {
    std::int64_t const shared = 5 - 2 * layer;
    auto const put = row_of(target, layer, 2), from = row_of(source, layer, 1);
    CHECK(put.narrow(1, 0, shared).equal(from.narrow(1, 0, shared)));
    CHECK(put.narrow(1, shared + 3, 3).equal(from.narrow(1, shared, 3)));
    for (std::int64_t const row : {0, 1}) {
      CHECK(row_of(target, layer, row).equal(row_of(before, layer, row)));
    }
  }
}

TEST_CASE("what was padded to the right ends together and is padded to the left", "[unit]") {
  Cache cache = random_cache(2, 9);
  Cache const before = some_rows(cache, {0, 1}, 5, 0);
  align_right(cache, {5, 3}, 5);
  CHECK(cache.padding() == std::vector<std::int64_t>{0, 2});
  for (std::int64_t layer = 0; layer < 2; ++layer) {
    std::int64_t const shared = 4 - 2 * layer;
    CHECK(cache.before_padding(layer) == shared);
    CHECK(row_of(cache, layer, 0).equal(row_of(before, layer, 0)));
    auto const moved = row_of(cache, layer, 1), from = row_of(before, layer, 1);
    CHECK(moved.narrow(1, 0, shared).equal(from.narrow(1, 0, shared)));
    CHECK(moved.narrow(1, shared + 2, 3).equal(from.narrow(1, shared, 3)));
  }
  Cache whole = random_cache(2, 9);
  align_right(whole, {5, 5}, 5);
  CHECK(whole.padding().empty());
}

TEST_CASE("some sequences go on without padding that all of them have", "[unit]") {
  Cache const cache = random_cache(3, 10);
  Cache const some = some_rows(cache, {2, 0}, 6, 4);
  for (std::int64_t layer = 0; layer < 2; ++layer) {
    std::int64_t const shared = 4 - 2 * layer;
    CHECK(some.tokens(layer) == shared + 2);
    auto const from = row_of(cache, layer, 2);
    CHECK(row_of(some, layer, 0)
              .equal(at::cat({from.narrow(1, 0, shared), from.narrow(1, shared + 4, 2)}, 1)));
    CHECK(row_of(some, layer, 1).size(1) == shared + 2);
  }
}
