#include <vcflash/kernels/gradients.hpp>

#include <vcflash/kernels/attention.hpp>

#include <ATen/ops/randn.h>

#include <catch2/catch_test_macros.hpp>

#include "tests/kernels/with_fast_paths.hpp"

using namespace vcflash;
using namespace vcflash::kernels;

TEST_CASE("attention learns by the path that it is computed by", "[unit]") {
  auto const& path = cpu::attention_path();
  CHECK(path.run_with_gradients == cpu::attention_with_gradients);
  if (!path.can_run()) SKIP("the processor has no AVX512-BF16");
  Tensor const x = at::randn({1, 2, 70, 16}).to(at::kBFloat16);
  Tensor const learning = x.clone().requires_grad_();
  test::WithFastPaths const possible(FastPaths::possible);
  CHECK(operations::attention().path_of(learning, x, x, true, {}) == &path);
  Tensor const output = attention(learning, x, x, true);
  CHECK(output.requires_grad());
  CHECK(output.equal(attention(x, x, x, true)));
  test::WithFastPaths const off(FastPaths::off);
  CHECK(attention(learning, x, x, true).equal(plain::attention(x, x, x, true, {})));
}
