#include <vcflash/layers/run.hpp>

#include <ATen/ops/ones.h>

#include <catch2/catch_test_macros.hpp>

TEST_CASE("a layer that is run directly is called once with its input", "[unit]") {
  int calls = 0;
  at::Tensor const x = at::ones({2});
  at::Tensor const y = vcflash::RunDirectly{}(
      [&](at::Tensor const& input) {
        ++calls;
        return input * 3;
      },
      x);
  CHECK(calls == 1);
  CHECK(y.equal(x * 3));
}
