#include <vcflash/layers/norm.hpp>
#include <vcflash/tensor/initialize.hpp>

#include <ATen/ops/randn.h>

#include <catch2/catch_test_macros.hpp>

using namespace vcflash;

TEST_CASE("LayerNorm leaves rows with mean zero and variance one", "[unit]") {
  LayerNorm<64, 1e-12> norm;
  initialize(norm, {}, 1);
  at::Tensor const y = norm(at::randn({3, 64}) * 4 + 9);
  CHECK(y.mean(-1).abs().max().item<float>() < 1e-5F);
  CHECK((y.var(-1, /*unbiased=*/false) - 1).abs().max().item<float>() < 1e-4F);
}

TEST_CASE("RMSNorm has a gain and no bias", "[unit]") {
  STATIC_CHECK(key_count<RmsNorm<64, 1e-6>> == 1);
  RmsNorm<64, 1e-6> norm;
  initialize(norm, {}, 1);
  norm.weight.value.fill_(3);
  at::Tensor const y = norm(at::randn({3, 64}));
  CHECK((y.square().mean(-1) - 9).abs().max().item<float>() < 1e-3F);
}
