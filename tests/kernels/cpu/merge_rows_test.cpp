#include <vcflash/kernels/cpu/merge_rows.hpp>

#include <vcflash/kernels/cpu/processor.hpp>

#include <ATen/ops/rand.h>
#include <ATen/ops/randint.h>
#include <ATen/ops/randn.h>

#include <catch2/catch_test_macros.hpp>
#include <cstdint>

using namespace vcflash;

TEST_CASE("rows of bf16 are merged as LibTorch's operations merge them", "[unit]") {
  if (!kernels::cpu::has_avx512()) SKIP("the processor has no AVX-512");
  for (std::int64_t const tokens : {64, 65}) {
    Tensor const x = at::randn({3, tokens, 96}).to(at::kBFloat16);
    Tensor const sizes = at::randint(1, 9, {3, tokens, 1}).to(at::kFloat);
    // Several go into one, others into none.
    std::int64_t const even = (tokens + 1) / 2, merged = 20;
    Tensor const order = at::rand({3, even}).argsort(/*dim=*/-1, /*descending=*/false);
    kernels::Matching const matching{order.narrow(1, merged, even - merged),
                                     order.narrow(1, 0, merged),
                                     at::randint(0, 9, {3, merged}, at::kLong)};
    auto const fast = kernels::cpu::merge_rows({x, sizes}, matching);
    auto const exact = kernels::plain::merge_rows({x.to(at::kFloat), sizes}, matching);
    CHECK(fast.sizes.equal(exact.sizes));
    CHECK(fast.tokens.to(at::kFloat).allclose(exact.tokens, 1 / 256.0, 1e-6));
  }
}

TEST_CASE("means of bf16 heads are LibTorch's", "[unit]") {
  if (!kernels::cpu::has_avx512()) SKIP("the processor has no AVX-512");
  for (std::int64_t const head_dim : {8, 32, 88}) {
    Tensor const x = at::randn({2, 50, 6 * head_dim}).to(at::kBFloat16);
    Tensor const fast = kernels::cpu::head_means(x, 6), plain = kernels::plain::head_means(x, 6);
    CHECK(fast.sizes() == plain.sizes());
    CHECK(fast.to(at::kFloat).allclose(plain.to(at::kFloat), 1 / 128.0, 1e-6));
  }
}
