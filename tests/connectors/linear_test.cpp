#include <vcflash/connectors/linear.hpp>
#include <vcflash/tensor/initialize.hpp>

#include <ATen/ops/linear.h>
#include <ATen/ops/randn.h>

#include <catch2/catch_test_macros.hpp>

using namespace vcflash;

TEST_CASE("the linear connector has upstream's keys and maps each patch", "[unit]") {
  LinearConnector<ProjectionConfig{.name = "small", .input = 4, .output = 6}> connector;
  auto const keys = keys_of<decltype(connector)>();
  REQUIRE(keys.size() == 2);
  CHECK(keys[0].key == "weight");
  CHECK(keys[1].key == "bias");
  CHECK(decltype(connector)::upstream_name() == "linear");

  initialize(connector, {.weight = 0.5}, 1);
  at::Tensor const x = at::randn({2, 12, 4});
  CHECK(connector(x, {.frames = 4, .rows = 3, .columns = 1})
            .equal(at::linear(x, connector.map.weight.value, connector.map.bias.value)));
}
