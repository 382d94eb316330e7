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

TEST_CASE("an MLP may be of any depth, with residual blocks behind it", "[unit]") {
  constexpr ProjectionConfig config{.name = "small", .input = 4, .output = 6};
  CHECK(MlpConnector<config, 3>::upstream_name() == "mlp3x_gelu");
  CHECK(keys_of<MlpConnector<config, 3>>().back().key == "4.bias");
  CHECK(keys_of<MlpConnector<config, 1>>().size() == 2);

  MlpConnector<config, 2, 2> connector;
  CHECK(connector.upstream_name() == "mlp2x_res2x_gelu");
  auto const keys = keys_of<decltype(connector)>();
  REQUIRE(keys.size() == 16);
  CHECK(keys[4].key == "3.pre_norm.weight");
  CHECK(keys[6].key == "3.proj.0.weight");
  CHECK(keys[15].key == "4.proj.2.bias");

  initialize(connector, {.weight = 0.5}, 1);
  at::Tensor const x = at::randn({2, 12, 4});
  auto const& [first, gelu, second, third, fourth] = connector.layers.layers;
  at::Tensor y = second(gelu(first(x)));
  for (auto const* block : {&third, &fourth}) {
    at::Tensor const centred = y - y.mean(-1, true);
    at::Tensor const normalized = centred / (y.var(-1, false, true) + 1e-5).sqrt();
    auto const& [up, activation, down] = block->proj.layers;
    y = normalized + down(activation(up(normalized)));
  }
  at::Tensor const tokens = connector(x, {.frames = 4, .rows = 3, .columns = 1});
  CHECK((tokens - y).abs().max().item<float>() < 1e-5F);
}
