#include <vcflash/layers/linear.hpp>
#include <vcflash/tensor/initialize.hpp>

#include <ATen/ops/randn.h>

#include <catch2/catch_test_macros.hpp>

using namespace vcflash;

TEST_CASE("a linear map multiplies by its transposed weight and adds its bias", "[unit]") {
  Linear<3, 5> layer;
  initialize(layer, {.weight = 1}, 1);
  layer.bias.value.fill_(2);
  at::Tensor const x = at::randn({4, 3});
  at::Tensor const expected = x.matmul(layer.weight.value.t()) + 2;
  CHECK((layer(x) - expected).abs().max().item<float>() < 1e-5F);
}

TEST_CASE("a map without bias has no key for one", "[unit]") {
  STATIC_CHECK(key_count<Linear<3, 5, false>> == 1);
  STATIC_CHECK(parameter_count<Linear<3, 5>> == 20);
}
