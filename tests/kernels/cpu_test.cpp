#include <vcflash/kernels/cpu.hpp>

#include <ATen/ops/empty.h>

#include <catch2/catch_test_macros.hpp>

using namespace vcflash::kernels;

TEST_CASE("a gradient will pass what requires one, where there is a graph", "[unit]") {
  auto const frozen = at::empty({4}), learning = at::empty({4}).requires_grad_();
  CHECK(cpu::learns(frozen, learning));
  CHECK_FALSE(cpu::learns(frozen));
  CHECK_FALSE(cpu::learns(at::Tensor(), 3.0, true));
  at::NoGradGuard const no_grad;
  CHECK_FALSE(cpu::learns(frozen, learning));
}
