#include <vcflash/kernels/linear.hpp>

#include <vcflash/kernels/cpu.hpp>

#include <ATen/ops/linear.h>
#include <ATen/ops/randn.h>

#include <catch2/catch_test_macros.hpp>

using namespace vcflash;

TEST_CASE("few rows of bf16 are multiplied as exactly as bf16 tells", "[unit]") {
  for (std::int64_t const out : {3, 64, 1001}) {
    at::Tensor const weight = at::randn({out, 192}).to(at::kBFloat16);
    at::Tensor const bias = at::randn({out}).to(at::kBFloat16);
    for (std::int64_t rows = 1; rows <= kernels::few_rows + 1; ++rows) {
      at::Tensor const x = at::randn({rows, 192}).to(at::kBFloat16);
      at::Tensor const exact =
          at::linear(x.to(at::kDouble), weight.to(at::kDouble), bias.to(at::kDouble));
      at::Tensor const y = kernels::linear(x, weight, bias);
      CHECK(y.scalar_type() == at::kBFloat16);
      // Half a unit in the last of 8 bits, and what sums in fp32 lose.
      CHECK(((y.to(at::kDouble) - exact).abs() <= exact.abs() / 256 + 1e-4).all().item<bool>());
      at::Tensor const unbiased = kernels::linear(x, weight).to(at::kDouble);
      CHECK((unbiased - (exact - bias.to(at::kDouble))).abs().max().item<double>() < 0.13);
    }
  }
}

TEST_CASE("a row's products are the same bits alone and beside another", "[unit]") {
  at::Tensor const weight = at::randn({130, 64}).to(at::kBFloat16);
  at::Tensor const x = at::randn({2, 1, 64}).to(at::kBFloat16);
  at::Tensor const y = kernels::linear(x, weight);
  REQUIRE(y.sizes() == at::IntArrayRef({2, 1, 130}));
  if (!kernels::cpu::has_avx512()) SKIP("the processor has no AVX-512");
  for (std::int64_t row = 0; row < 2; ++row) {
    CHECK(kernels::linear(x[row], weight).equal(y[row]));
  }
}

TEST_CASE("other types, and what learns, take LibTorch's product", "[unit]") {
  at::Tensor const weight = at::randn({5, 32}), x = at::randn({2, 32});
  CHECK(kernels::linear(x, weight).equal(at::linear(x, weight)));
  at::Tensor const learning = weight.to(at::kBFloat16).requires_grad_();
  CHECK(kernels::linear(x.to(at::kBFloat16), learning).requires_grad());
}

TEST_CASE("matrices that do not fit are refused", "[unit]") {
  at::Tensor const weight = at::randn({5, 128}).to(at::kBFloat16);
  CHECK_THROWS(kernels::linear(at::randn({2, 64}).to(at::kBFloat16), weight));
  CHECK_THROWS(kernels::linear(at::randn({1, 128}).to(at::kBFloat16), weight,
                               at::randn({4}).to(at::kBFloat16)));
}
