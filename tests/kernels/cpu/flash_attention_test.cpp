#include <vcflash/kernels/cpu/flash_attention.hpp>

#include <vcflash/kernels/attention.hpp>

#include <ATen/ops/isfinite.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/zeros_like.h>

#include <catch2/catch_test_macros.hpp>

#include <cmath>

using namespace vcflash;
using kernels::cpu::flash_attention;

namespace {

/// As a projection leaves it, with the tokens before the heads.
Tensor some(std::int64_t batch, std::int64_t heads, std::int64_t tokens, std::int64_t head_dim) {
  return at::randn({batch, tokens, heads, head_dim}).to(at::kBFloat16).transpose(1, 2);
}

double furthest(Tensor const& one, Tensor const& other) {
  return (one.to(at::kFloat) - other.to(at::kFloat)).abs().max().item<double>();
}

}  // namespace

TEST_CASE("what a query does not see does not touch it", "[unit]") {
  if (!kernels::cpu::attention_path().can_run()) SKIP("the processor has no AVX512-BF16");
  Tensor const query = some(1, 4, 90, 32), key = some(1, 2, 90, 32), value = some(1, 2, 90, 32);
  Tensor const whole = flash_attention(query, key, value, true).output;
  Tensor const some_keys =
      flash_attention(query.narrow(2, 0, 40), key.narrow(2, 0, 40), value.narrow(2, 0, 40), true)
          .output;
  CHECK(whole.narrow(2, 0, 40).equal(some_keys));
}

TEST_CASE("a query that sees no key gets zeros, as from LibTorch", "[unit]") {
  if (!kernels::cpu::attention_path().can_run()) SKIP("the processor has no AVX512-BF16");
  // Alone in its tile of six, with others there, with all of a task.
  for (auto const& [queries, keys] : {std::pair{4, 2}, {9, 5}, {700, 10}}) {
    CAPTURE(queries, keys);
    Tensor const query = some(1, 4, queries, 16), key = some(1, 2, keys, 16),
                 value = some(1, 2, keys, 16);
    std::int64_t const blind = queries - keys;
    auto const [output, log_sum_exp] = flash_attention(query, key, value, true);
    Tensor const plain = kernels::plain::attention(query, key, value, true, {});
    Tensor const nothing = output.narrow(2, 0, blind);
    CHECK(nothing.equal(at::zeros_like(nothing)));
    CHECK(plain.narrow(2, 0, blind).equal(nothing));
    CHECK(at::isfinite(output).all().item<bool>());
    CHECK(furthest(output, plain) < 0.03);
    CHECK((log_sum_exp.narrow(2, 0, blind) == -INFINITY).all().item<bool>());
  }
}

TEST_CASE("great and small scores are weighed without overflow", "[unit]") {
  if (!kernels::cpu::attention_path().can_run()) SKIP("the processor has no AVX512-BF16");
  Tensor const query = some(1, 1, 3, 16) * 100, key = some(1, 1, 600, 16) * 100;
  Tensor const value = some(1, 1, 600, 16);
  Tensor const exact = kernels::plain::attention(query.to(at::kFloat), key.to(at::kFloat),
                                                 value.to(at::kFloat), false, {});
  CHECK(furthest(flash_attention(query, key, value, false).output, exact) < 0.02);
}

TEST_CASE("only bf16 whose channels are side by side goes through it", "[unit]") {
  auto const takes = kernels::cpu::attention_path().takes;
  Tensor const x = some(1, 2, 8, 16);
  CHECK(takes(x, x, x, true, {}));
  CHECK_FALSE(takes(x.to(at::kFloat), x, x, true, {}));
  CHECK_FALSE(takes(x, x.transpose(2, 3), x, true, {}));
  Tensor const odd = x.narrow(3, 0, 15);
  CHECK_FALSE(takes(odd, odd, odd, true, {}));
  CHECK_FALSE(takes(x, x, x.narrow(2, 0, 7), true, {}));
  CHECK_FALSE(takes(x, x, x, true, at::zeros_like(x)));
}
