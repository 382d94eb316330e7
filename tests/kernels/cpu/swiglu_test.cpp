#include <vcflash/kernels/cpu/swiglu.hpp>

#include <ATen/ops/randn.h>
#include <ATen/ops/silu.h>

#include <catch2/catch_test_macros.hpp>

using namespace vcflash;

TEST_CASE("bf16 is gated as by LibTorch's two operations", "[unit]") {
  auto const& path = kernels::cpu::swiglu_path();
  if (!path.can_run()) SKIP("the processor has no AVX-512");
  at::Tensor const gate = (at::randn({33, 160}) * 20).to(at::kBFloat16);
  at::Tensor const up = at::randn({33, 160}).to(at::kBFloat16);
  at::Tensor const plain = (at::silu(gate) * up).to(at::kFloat);
  at::Tensor const gated = path.run(gate.clone(), up).to(at::kFloat);
  // An exponential may round SiLU to its other neighbour.
  CHECK(((gated - plain).abs() <= plain.abs() / 64 + 1e-30).all().item<bool>());
  CHECK((gated != plain).to(at::kFloat).mean().item<float>() < 0.01F);
}
