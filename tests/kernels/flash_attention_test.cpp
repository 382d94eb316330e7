#include <vcflash/kernels/flash_attention.hpp>

#include <vcflash/kernels/attention.hpp>

#include <ATen/ops/randn.h>

#include <catch2/catch_test_macros.hpp>

#include "tests/kernels/attention_cases.hpp"

using namespace vcflash;

namespace {

/// As a projection leaves it, with the tokens before the heads.
Tensor some(std::int64_t batch, std::int64_t heads, std::int64_t tokens, std::int64_t head_dim) {
  return at::randn({batch, tokens, heads, head_dim}).to(at::kBFloat16).transpose(1, 2);
}

double furthest(Tensor const& one, Tensor const& other) {
  return (one.to(at::kFloat) - other.to(at::kFloat)).abs().max().item<double>();
}

}  // namespace

TEST_CASE("attention in one pass is as exact as LibTorch's", "[unit]") {
  using Case = test::AttentionCase;
  for (auto const& c : {Case{1, 1, 1, 1, 1, 16, false}, Case{2, 4, 4, 100, 100, 64, false},
                        Case{1, 3, 1, 70, 70, 34, true}, Case{2, 14, 2, 130, 700, 64, true},
                        Case{1, 6, 2, 1, 1100, 128, false}, Case{1, 2, 2, 800, 513, 88, false},
                        Case{1, 7, 1, 60, 1030, 128, true}, Case{1, 1, 1, 520, 520, 256, true}}) {
    Tensor const query = some(c.batch, c.heads, c.queries, c.head_dim);
    Tensor const key = some(c.batch, c.kv_heads, c.keys, c.head_dim);
    Tensor const value = some(c.batch, c.kv_heads, c.keys, c.head_dim);
    if (!kernels::takes_flash_attention(query, key, value)) SKIP("the processor has no fast path");
    Tensor const exact = kernels::attention(query.to(at::kFloat), key.to(at::kFloat),
                                            value.to(at::kFloat), c.causal);
    Tensor const fast = kernels::flash_attention(query, key, value, c.causal).mixed;
    CAPTURE(c.queries, c.keys, c.head_dim);
    REQUIRE(fast.sizes() == query.sizes());
    CHECK(furthest(fast, exact) < 0.02);
    CHECK(kernels::attention(query, key, value, c.causal).equal(fast));
    test::LibTorchLearns const plain_path;
    Tensor const plain = kernels::attention(query.detach().requires_grad_(), key, value, c.causal);
    CHECK(furthest(fast, exact) < 1.5 * furthest(plain.detach(), exact) + 1e-3);
  }
}

TEST_CASE("what a query does not see does not touch it", "[unit]") {
  Tensor const query = some(1, 4, 90, 32), key = some(1, 2, 90, 32), value = some(1, 2, 90, 32);
  if (!kernels::takes_flash_attention(query, key, value)) SKIP("the processor has no fast path");
  Tensor const whole = kernels::flash_attention(query, key, value, true).mixed;
  Tensor const some_keys = kernels::flash_attention(query.narrow(2, 0, 40), key.narrow(2, 0, 40),
                                                    value.narrow(2, 0, 40), true)
                               .mixed;
  CHECK(whole.narrow(2, 0, 40).equal(some_keys));
}

TEST_CASE("great and small scores are weighed without overflow", "[unit]") {
  Tensor const query = some(1, 1, 3, 16) * 100, key = some(1, 1, 600, 16) * 100;
  Tensor const value = some(1, 1, 600, 16);
  if (!kernels::takes_flash_attention(query, key, value)) SKIP("the processor has no fast path");
  Tensor const exact =
      kernels::attention(query.to(at::kFloat), key.to(at::kFloat), value.to(at::kFloat), false);
  CHECK(furthest(kernels::flash_attention(query, key, value, false).mixed, exact) < 0.02);
}

TEST_CASE("only bf16 whose channels are side by side goes through it", "[unit]") {
  Tensor const x = some(1, 2, 8, 16);
  CHECK_FALSE(kernels::takes_flash_attention(x.to(at::kFloat), x, x));
  CHECK_FALSE(kernels::takes_flash_attention(x, x.transpose(2, 3), x));
  Tensor const odd = x.narrow(3, 0, 15);
  CHECK_FALSE(kernels::takes_flash_attention(odd, odd, odd));
  CHECK_FALSE(kernels::takes_flash_attention(x, x, x.narrow(2, 0, 7)));
}
