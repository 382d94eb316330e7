#include <vcflash/kernels/rms_norm.hpp>

#include <ATen/ops/ones.h>
#include <ATen/ops/randn.h>

#include <catch2/catch_test_macros.hpp>

using namespace vcflash;

TEST_CASE("rows leave with a root mean square of one", "[unit]") {
  at::Tensor const x = at::randn({3, 64}) * 5;
  at::Tensor const y = kernels::rms_norm(x, at::ones({64}), 1e-12);
  CHECK((y.square().mean(-1) - 1).abs().max().item<float>() < 1e-5F);
}

TEST_CASE("bf16 rows are normalized in fp32", "[unit]") {
  at::Tensor const x = (at::randn({3, 64}) * 100).to(at::kBFloat16);
  at::Tensor const weight = at::ones({64}, at::kBFloat16);
  at::Tensor const y = kernels::rms_norm(x, weight, 1e-6);
  CHECK(y.scalar_type() == at::kBFloat16);
  at::Tensor const exact = kernels::rms_norm(x.to(at::kFloat), at::ones({64}), 1e-6);
  CHECK(y.equal(exact.to(at::kBFloat16)));
}
