#include <vcflash/kernels/cpu/norm.hpp>

#include <ATen/ops/randn.h>

#include <catch2/catch_test_macros.hpp>
#include <cmath>

using namespace vcflash;

TEST_CASE("squares of bf16 are summed as exactly as fp32 tells", "[unit]") {
  auto const& path = kernels::cpu::norm_path();
  if (!path.can_run()) SKIP("the processor has no AVX-512");
  for (std::int64_t const count : {1, 31, 4096, 4097, 100'001}) {
    at::Tensor const x = at::randn({count}).to(at::kBFloat16);
    auto const exact = x.to(at::kDouble).norm().item<double>();
    CHECK(std::abs(path.run(x).item<double>() / exact - 1) < 1e-6);
  }
}
