#include <vcflash/connectors/mlp.hpp>
#include <vcflash/tensor/initialize.hpp>

#include <ATen/ops/gelu.h>
#include <ATen/ops/randn.h>

#include <catch2/catch_test_macros.hpp>

using namespace vcflash;

TEST_CASE("the MLP connector has upstream's keys and is a map, GELU and a map", "[unit]") {
  MlpConnector<ProjectionConfig{.name = "small", .input = 4, .output = 6}> connector;
  auto const keys = keys_of<decltype(connector)>();
  REQUIRE(keys.size() == 4);
  CHECK(keys[0].key == "0.weight");
  CHECK(keys[3].key == "2.bias");
  CHECK(decltype(connector)::upstream_name() == "mlp2x_gelu");

  initialize(connector, {.weight = 0.5}, 1);
  at::Tensor const x = at::randn({2, 12, 4});
  auto const& [first, gelu, second] = connector.layers.layers;
  CHECK(connector(x, {.frames = 4, .rows = 3, .columns = 1}).equal(second(at::gelu(first(x)))));
}
