#include <vcflash/layers/mlp.hpp>
#include <vcflash/tensor/initialize.hpp>

#include <ATen/ops/full.h>
#include <ATen/ops/randn.h>

#include <catch2/catch_test_macros.hpp>
#include <cmath>

using namespace vcflash;

TEST_CASE("GELU is exact, by the error function", "[unit]") {
  float const x = 0.7F;
  float const expected = 0.5F * x * (1 + std::erf(x / std::sqrt(2.0F)));
  CHECK(std::abs(Gelu{}(at::full({1}, x)).item<float>() - expected) < 1e-6F);
}

TEST_CASE("GELU's approximations are by tanh and by the logistic function", "[unit]") {
  float const x = 0.7F;
  float const by_tanh = 0.5F * x * (1 + std::tanh(0.7978845608F * (x + 0.044715F * x * x * x)));
  CHECK(std::abs(TanhGelu{}(at::full({1}, x)).item<float>() - by_tanh) < 1e-6F);
  float const by_sigmoid = x / (1 + std::exp(-1.702F * x));
  CHECK(std::abs(QuickGelu{}(at::full({1}, x)).item<float>() - by_sigmoid) < 1e-6F);

  GeluMlp<4, 6, PlainParts, QuickGelu> mlp;
  initialize(mlp, {.weight = 1}, 1);
  at::Tensor const row = at::randn({2, 4});
  CHECK(mlp(row).equal(mlp.fc2(QuickGelu{}(mlp.fc1(row)))));
}

TEST_CASE("SwiGLU gates one projection by another", "[unit]") {
  SwiGlu<4, 6> mlp;
  initialize(mlp, {.weight = 1}, 1);
  at::Tensor const x = at::randn({2, 4});
  at::Tensor const gate = mlp.gate_proj(x);
  at::Tensor const expected = mlp.down_proj(gate * gate.sigmoid() * mlp.up_proj(x));
  CHECK((mlp(x) - expected).abs().max().item<float>() < 1e-4F);
}

TEST_CASE("the two MLPs have the keys of their checkpoints", "[unit]") {
  CHECK(keys_of<GeluMlp<4, 8>>().front().key == "fc1.weight");
  CHECK(keys_of<SwiGlu<4, 8>>().front().key == "gate_proj.weight");
  STATIC_CHECK(key_count<GeluMlp<4, 8>> == 4);
  STATIC_CHECK(key_count<SwiGlu<4, 8>> == 3);
}
