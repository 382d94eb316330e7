#include <vcflash/kernels/linear.hpp>

#include <ATen/ops/linear.h>
#include <ATen/ops/randn.h>

#include <catch2/catch_test_macros.hpp>

using namespace vcflash;

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
