#include <vcflash/kernels/on_gradient.hpp>

#include <catch2/catch_test_macros.hpp>

#include <ATen/ops/ones.h>

using namespace vcflash;

TEST_CASE("what waits for a gradient is done when it passes, and once", "[unit]") {
  int passed = 0;
  Tensor const x = at::ones({3}).requires_grad_(true);
  Tensor const y = kernels::on_gradient(x * 2, [&] { ++passed; });
  CHECK(y.equal(at::ones({3}) * 2));
  CHECK(passed == 0);
  y.sum().backward();
  CHECK(passed == 1);
  CHECK(x.grad().equal(at::ones({3}) * 2));
}
