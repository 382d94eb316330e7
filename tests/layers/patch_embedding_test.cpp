#include <vcflash/layers/patch_embedding.hpp>
#include <vcflash/tensor/initialize.hpp>

#include <ATen/ops/conv2d.h>
#include <ATen/ops/conv3d.h>
#include <ATen/ops/randn.h>

#include <catch2/catch_test_macros.hpp>

using namespace vcflash;

TEST_CASE("patches are embedded as a 3-d convolution would, by frame, row and column", "[unit]") {
  PatchEmbedding<6, 4> layer;
  initialize(layer, {.weight = 1}, 1);
  layer.proj.bias.value.normal_();
  at::Tensor const pixels = at::randn({2, 3, 3, 8, 12});
  at::Tensor const expected =
      at::conv3d(pixels.transpose(1, 2), layer.proj.weight.value, layer.proj.bias.value, {1, 4, 4});
  at::Tensor const difference = layer(pixels) - expected.flatten(2).transpose(1, 2);
  CHECK(layer(pixels).sizes().vec() == std::vector<std::int64_t>{2, 18, 6});
  CHECK(difference.abs().max().item<float>() < 1e-4F);
}

TEST_CASE("patches of images are embedded as a 2-d convolution would, which leaves a rest out",
          "[unit]") {
  ImagePatches<6, 4, /*Biased=*/false> layer;
  initialize(layer, {.weight = 1}, 1);
  CHECK(layer.weight.value.sizes().vec() == std::vector<std::int64_t>{6, 3, 4, 4});
  STATIC_CHECK(key_count<decltype(layer)> == 1);
  at::Tensor const pixels = at::randn({2, 3, 11, 14});
  at::Tensor const expected =
      at::conv2d(pixels.narrow(2, 0, 8).narrow(3, 0, 12), layer.weight.value, {}, 4);
  at::Tensor const difference = layer(pixels) - expected.flatten(2).transpose(1, 2);
  CHECK(layer(pixels).sizes().vec() == std::vector<std::int64_t>{2, 6, 6});
  CHECK(difference.abs().max().item<float>() < 1e-4F);
}
