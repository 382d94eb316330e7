#include <vcflash/kernels/cpu/linear.hpp>

#include <ATen/ops/linear.h>
#include <ATen/ops/randn.h>

#include <catch2/catch_test_macros.hpp>

using namespace vcflash;

TEST_CASE("few rows of bf16 are multiplied as exactly as bf16 tells", "[unit]") {
  auto const& path = kernels::cpu::linear_path();
  if (!path.can_run()) SKIP("the processor has no AVX-512");
  for (std::int64_t const out : {3, 64, 1001}) {
    at::Tensor const weight = at::randn({out, 192}).to(at::kBFloat16);
    at::Tensor const bias = at::randn({out}).to(at::kBFloat16);
    for (std::int64_t rows = 1; rows <= kernels::cpu::few_rows; ++rows) {
      at::Tensor const x = at::randn({rows, 192}).to(at::kBFloat16);
      at::Tensor const exact =
          at::linear(x.to(at::kDouble), weight.to(at::kDouble), bias.to(at::kDouble));
      at::Tensor const y = path.run(x, weight, bias);
      CHECK(y.scalar_type() == at::kBFloat16);
      // Half a unit in the last of 8 bits, and what sums in fp32 lose.
      CHECK(((y.to(at::kDouble) - exact).abs() <= exact.abs() / 256 + 1e-4).all().item<bool>());
      at::Tensor const unbiased = path.run(x, weight, {}).to(at::kDouble);
      at::Tensor const product = exact - bias.to(at::kDouble);
      CHECK(((unbiased - product).abs() <= product.abs() / 256 + 1e-4).all().item<bool>());
    }
  }
}

TEST_CASE("a row's products are the same bits alone and beside another", "[unit]") {
  auto const& path = kernels::cpu::linear_path();
  if (!path.can_run()) SKIP("the processor has no AVX-512");
  at::Tensor const weight = at::randn({130, 64}).to(at::kBFloat16);
  at::Tensor const x = at::randn({2, 1, 64}).to(at::kBFloat16);
  at::Tensor const y = path.run(x, weight, {});
  REQUIRE(y.sizes() == at::IntArrayRef({2, 1, 130}));
  for (std::int64_t row = 0; row < 2; ++row) {
    CHECK(path.run(x[row], weight, {}).equal(y[row]));
  }
}
