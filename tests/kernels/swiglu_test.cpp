#include <vcflash/kernels/swiglu.hpp>

#include <ATen/ops/randn.h>
#include <ATen/ops/silu.h>

#include <catch2/catch_test_macros.hpp>

using namespace vcflash;

TEST_CASE("bf16 is gated as by LibTorch's two operations", "[unit]") {
  at::Tensor const gate = (at::randn({33, 160}) * 20).to(at::kBFloat16);
  at::Tensor const up = at::randn({33, 160}).to(at::kBFloat16);
  at::Tensor const plain = (at::silu(gate) * up).to(at::kFloat);
  at::Tensor const gated = kernels::swiglu(gate.clone(), up).to(at::kFloat);
  // An exponential may round SiLU to its other neighbour.
  CHECK(((gated - plain).abs() <= plain.abs() / 64 + 1e-30).all().item<bool>());
  CHECK((gated != plain).to(at::kFloat).mean().item<float>() < 0.01F);
}

TEST_CASE("fp32, and what learns, goes through LibTorch's operations", "[unit]") {
  at::Tensor const gate = at::randn({3, 32}), up = at::randn({3, 32});
  CHECK(kernels::swiglu(gate, up).equal(at::silu(gate) * up));
  at::Tensor const learning = gate.to(at::kBFloat16).requires_grad_();
  at::Tensor const gated = kernels::swiglu(learning, up.to(at::kBFloat16));
  CHECK(gated.requires_grad());
  CHECK(learning.equal(gate.to(at::kBFloat16)));
}
