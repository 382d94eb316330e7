#include <vcflash/llms/decoder_layer.hpp>

#include <ATen/ops/randn.h>

#include <catch2/catch_test_macros.hpp>

using namespace vcflash;

namespace {
constexpr DecoderConfig small{.name = "small",
                              .hidden = 32,
                              .layers = 2,
                              .heads = 4,
                              .kv_heads = 2,
                              .intermediate = 64,
                              .vocabulary = 97};
}

TEST_CASE("a context without padding has one table and needs no mask", "[unit]") {
  at::Tensor const x = at::randn({2, 5, 32});
  DecoderContext<small> const context(3, 5, x, nullptr);
  CHECK(context.rotary.cos.sizes().vec() == std::vector<std::int64_t>{5, 8});
  CHECK_FALSE(context.seen.defined());
}

TEST_CASE("padding to the left is seen by itself only and moves no position", "[unit]") {
  at::Tensor const x = at::randn({2, 5, 32});
  KeyValueCache<small.layers> cache;
  cache.pad_left({0, 2});
  DecoderContext<small> const context(0, 5, x, &cache);
  CHECK(context.seen.sizes().vec() == std::vector<std::int64_t>{2, 1, 5, 5});
  at::Tensor const padded = context.seen[1][0];
  CHECK(padded[0].sum().item<int>() == 1);
  CHECK(padded[1].sum().item<int>() == 1);
  CHECK_FALSE(padded[4][1].item<bool>());
  CHECK(padded[4].sum().item<int>() == 3);
  CHECK(context.rotary.cos[1][0][2].equal(context.rotary.cos[0][0][0]));
}

TEST_CASE("padding behind a prefix is passed over, and positions go on from the prefix", "[unit]") {
  at::Tensor const x = at::randn({2, 1, 32});
  KeyValueCache<small.layers> cache;
  cache.append(0, at::randn({2, 2, 7, 8}), at::randn({2, 2, 7, 8}));
  cache.pad_left({0, 3}, 4);  // three tokens in common, then four of their own
  DecoderContext<small> const context(7, 1, x, &cache), alone(4, 1, x, nullptr);
  CHECK(context.seen[0].all().item<bool>());
  at::Tensor const seen = context.seen[1][0][0];
  for (std::int64_t key = 0; key < 8; ++key) {
    CHECK(seen[key].item<bool>() == (key < 3 || key >= 6));
  }
  CHECK(context.rotary.cos[1][0][0].equal(alone.rotary.cos[0]));
}
