#include <vcflash/encoders/clip_layer.hpp>
#include <vcflash/encoders/siglip.hpp>
#include <vcflash/tensor/initialize.hpp>

#include <ATen/ops/randn.h>
#include <ATen/ops/softmax.h>

#include <catch2/catch_test_macros.hpp>

using namespace vcflash;

TEST_CASE("every token of CLIP's attention looks at every other, head by head", "[unit]") {
  ClipAttention<8, 2> layer;
  initialize(layer, {.weight = 0.5}, 1);
  at::Tensor const x = at::randn({1, 5, 8});
  at::Tensor expected = at::zeros({1, 5, 8});
  for (std::int64_t head = 0; head < 2; ++head) {
    auto const part = [&](at::Tensor const& y) { return y.narrow(2, head * 4, 4); };
    at::Tensor const weights =
        at::softmax(part(layer.q_proj(x)).matmul(part(layer.k_proj(x)).transpose(1, 2)) / 2, -1);
    expected.narrow(2, head * 4, 4).copy_(weights.matmul(part(layer.v_proj(x))));
  }
  CHECK((layer(x) - layer.out_proj(expected)).abs().max().item<float>() < 1e-5F);
}

TEST_CASE("CLIP's layers run in order and have transformers' keys", "[unit]") {
  constexpr SiglipConfig config{
      .name = "small", .width = 8, .depth = 3, .heads = 2, .intermediate = 12};
  ClipLayers<config, TanhGelu, 1e-6> layers;
  initialize(layers, {.weight = 0.5}, 1);
  at::Tensor const x = at::randn({1, 5, 8});
  CHECK(layers(x, RunDirectly{}).equal(layers.layers[1](layers.layers[0](x))));
  auto const keys = keys_of<decltype(layers)>();
  REQUIRE(keys.size() == 32);
  CHECK(keys[0].key == "layers.0.self_attn.k_proj.weight");
  CHECK(keys[31].key == "layers.1.layer_norm2.bias");
}
