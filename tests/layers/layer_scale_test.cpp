#include <vcflash/layers/layer_scale.hpp>
#include <vcflash/tensor/initialize.hpp>

#include <ATen/ops/randn.h>

#include <catch2/catch_test_macros.hpp>

using namespace vcflash;

TEST_CASE("a layer scale starts small and gives each channel its own gain", "[unit]") {
  LayerScale<4, 0.5> scale;
  initialize(scale, {}, 1);
  at::Tensor const x = at::randn({3, 4});
  CHECK(scale(x).equal(x * 0.5));
  scale.weight.value[2] = 3;
  CHECK(scale(x).select(1, 2).equal(x.select(1, 2) * 3));
}

TEST_CASE("bf16 branches are scaled in fp32", "[unit]") {
  LayerScale<4, 1e-5> scale;
  initialize(scale, {}, 1);
  at::Tensor const x = at::randn({3, 4}).to(at::kBFloat16);
  CHECK(scale(x).equal((x.to(at::kFloat) * 1e-5F).to(at::kBFloat16)));
  scale.weight.value = scale.weight.value.to(at::kBFloat16);
  at::Tensor const alone = scale(x);
  CHECK(alone.equal(scale(x.clone().requires_grad_())));
}
