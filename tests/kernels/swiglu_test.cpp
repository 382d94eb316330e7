#include <vcflash/kernels/swiglu.hpp>

#include <ATen/ops/randn.h>
#include <ATen/ops/silu.h>

#include <catch2/catch_test_macros.hpp>

using namespace vcflash;

TEST_CASE("fp32, and what learns, goes through LibTorch's operations", "[unit]") {
  at::Tensor const gate = at::randn({3, 32}), up = at::randn({3, 32});
  CHECK(kernels::swiglu(gate, up).equal(at::silu(gate) * up));
  at::Tensor const learning = gate.to(at::kBFloat16).requires_grad_();
  at::Tensor const gated = kernels::swiglu(learning, up.to(at::kBFloat16));
  CHECK(gated.requires_grad());
  CHECK(learning.equal(gate.to(at::kBFloat16)));
}
