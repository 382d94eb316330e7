#include <vcflash/layers/linear.hpp>
#include <vcflash/tensor/initialize.hpp>
#include <vcflash/tensor/placement.hpp>

#include <ATen/ops/ones.h>

#include <catch2/catch_test_macros.hpp>

using namespace vcflash;

TEST_CASE("a model changes its type and its device as a whole", "[unit]") {
  Linear<4, 8> layer;
  initialize(layer, {}, 1);
  CHECK(parameter_bytes(layer) == (4 * 8 + 8) * 4);
  convert_to(layer, at::kBFloat16);
  CHECK(parameter_bytes(layer) == (4 * 8 + 8) * 2);
  move_to(layer, at::Device(at::kMeta));
  CHECK(layer.weight.value.is_meta());
  CHECK(layer.bias.value.is_meta());
}

TEST_CASE("frozen parameters build no graph", "[unit]") {
  Linear<4, 8> layer;
  initialize(layer, {}, 1);
  set_trained(layer, true);
  CHECK(layer(at::ones({1, 4})).requires_grad());
  set_trained(layer, false);
  CHECK_FALSE(layer(at::ones({1, 4})).requires_grad());
}
