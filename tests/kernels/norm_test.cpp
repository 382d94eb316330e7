#include <vcflash/kernels/norm.hpp>

#include <ATen/ops/empty.h>
#include <ATen/ops/randn.h>

#include <catch2/catch_test_macros.hpp>
#include <cmath>

using namespace vcflash;

TEST_CASE("the norm of bf16 is that of its numbers in fp32", "[unit]") {
  for (std::int64_t const count : {1, 31, 4096, 4097, 100'001}) {
    at::Tensor const x = at::randn({count}).to(at::kBFloat16);
    auto const exact = x.to(at::kDouble).norm().item<double>();
    at::Tensor const norm = kernels::norm(x);
    CHECK(norm.scalar_type() == at::kFloat);
    CHECK(norm.dim() == 0);
    CHECK(std::abs(norm.item<double>() / exact - 1) < 1e-5);  // LibTorch's adds in fp32
  }
  CHECK(kernels::norm(at::empty({0}, at::kBFloat16)).item<float>() == 0);
}

TEST_CASE("other types, and what is not dense, take LibTorch's norm", "[unit]") {
  at::Tensor const x = at::randn({40, 30});
  CHECK(kernels::norm(x).equal(x.norm()));
  at::Tensor const turned = x.to(at::kBFloat16).t();
  auto const exact = turned.to(at::kDouble).norm().item<double>();
  CHECK(std::abs(kernels::norm(turned).item<double>() / exact - 1) < 1e-6);
}
