#include <vcflash/train/optimizer.hpp>

#include <ATen/ops/ones.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>

#include <map>

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_exception.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>
#include <cmath>

#include "tests/checkpoint/small_recipe.hpp"

using namespace vcflash;
using namespace vcflash::train;

namespace {

ParameterGroup group(Tensor parameter, double rate, double decay) {
  return {.learning_rate = rate, .weight_decay = decay, .names = {"p"}, .parameters = {parameter}};
}

template <class R>
std::vector<ParameterGroup> groups_of(typename R::Network& network, Hyperparameters const& run) {
  initialize_model<R>(network, 1);
  return parameter_groups<R>(network, run);
}

}  // namespace

TEST_CASE("AdamW moves a parameter as its formula says", "[unit]") {
  double const rate = 0.1, decay = 0.01, beta1 = 0.9, beta2 = 0.99, epsilon = 1e-8;
  Tensor parameter = at::tensor({1.0F, -2.0F, 3.0F});
  AdamW adam({group(parameter, rate, decay)}, {beta1, beta2, epsilon});
  double value[] = {1, -2, 3}, first[3] = {}, second[3] = {};
  for (int step = 1; step <= 5; ++step) {
    double const gradient[] = {0.5 * step, -0.25, 0};
    parameter.mutable_grad() = at::tensor({static_cast<float>(gradient[0]), -0.25F, 0.0F});
    adam.step(1.0 / step);
    for (int i = 0; i < 3; ++i) {
      first[i] = beta1 * first[i] + (1 - beta1) * gradient[i];
      second[i] = beta2 * second[i] + (1 - beta2) * gradient[i] * gradient[i];
      double const m = first[i] / (1 - std::pow(beta1, step));
      double const v = second[i] / (1 - std::pow(beta2, step));
      value[i] *= 1 - rate / step * decay;
      value[i] -= rate / step * m / (std::sqrt(v) + epsilon);
      CHECK(std::abs(parameter[i].item<double>() - value[i]) < 1e-6);
    }
    CHECK_FALSE(parameter.grad().defined());
  }
}

TEST_CASE("a parameter without a gradient moves as with a gradient of zero", "[unit]") {
  Tensor without = at::tensor({1.0F, 2.0F}), with = without.clone();
  AdamW left({group(without, 0.1, 0.1)}, {}), right({group(with, 0.1, 0.1)}, {});
  for (int step = 0; step < 3; ++step) {
    Tensor const gradient = at::tensor({0.5F, -0.5F});
    if (step == 0) without.mutable_grad() = gradient.clone();
    with.mutable_grad() = step == 0 ? gradient.clone() : at::zeros_like(gradient);
    left.step(1);
    right.step(1);
  }
  CHECK(without.equal(with));
  CHECK_FALSE(without.equal(at::tensor({1.0F, 2.0F})));
}

TEST_CASE("gradients are clipped to a norm over all parameters", "[unit]") {
  Tensor a = at::zeros({2}), b = at::zeros({1});
  AdamW adam({group(a, 1, 0), group(b, 1, 0)}, {});
  a.mutable_grad() = at::tensor({3.0F, 0.0F});
  b.mutable_grad() = at::tensor({4.0F});
  CHECK(adam.gradient_norm().item<float>() == 5);
  adam.clip(5, 0);
  CHECK(a.grad()[0].item<float>() == 3);
  adam.clip(5, 10);
  CHECK(a.grad()[0].item<float>() == 3);
  adam.clip(5, 1);
  CHECK(std::abs(a.grad()[0].item<float>() - 0.6F) < 1e-6);
  CHECK(std::abs(b.grad()[0].item<float>() - 0.8F) < 1e-6);
}

TEST_CASE("steps too small for bfloat16 add up in the fp32 copy", "[unit]") {
  Tensor parameter = at::ones({4}, at::kBFloat16);
  AdamW adam({group(parameter, 1e-3, 0)}, {});
  for (int step = 0; step < 20; ++step) {
    parameter.mutable_grad() = at::ones({4}, at::kBFloat16);
    adam.take_gradients();
    CHECK_FALSE(parameter.grad().defined());
    adam.step(1);
  }
  CHECK(std::abs(parameter[0].item<float>() - 0.98F) < 0.004F);
}

TEST_CASE("one backward pass a step needs no sums, and moves alike", "[unit]") {
  at::manual_seed(3);
  at::Tensor const start = at::randn({700, 33}).to(at::kBFloat16);
  std::vector<at::Tensor> moved;
  for (bool const several : {true, false}) {
    at::Tensor const parameter = start.clone().requires_grad_(),
                     bias = at::ones({5}).requires_grad_();
    AdamW adam({group(parameter, 1e-2, 0.1), group(bias, 1e-2, 0)}, {.several_passes = several});
    CHECK(adam.state_bytes() == parameter.numel() * (several ? 16 : 12) + 8 * bias.numel());
    for (int step = 0; step < 3; ++step) {
      (parameter.square().sum() + bias.sum()).backward();
      adam.take_gradients();
      float const norm = adam.gradient_norm().item<float>();
      CHECK(norm > 1);
      adam.clip(norm, 1);
      adam.step(1);
      CHECK_FALSE(parameter.grad().defined());
    }
    moved.push_back(at::cat({parameter.detach().to(at::kFloat).view(-1), bias.detach()}));
    for (auto const& [name, tensor] : adam.state()) moved.push_back(tensor);
  }
  REQUIRE(moved.size() % 2 == 0);
  for (std::size_t i = 0; i < moved.size() / 2; ++i) {
    // Norms are summed up in another order.
    CHECK((moved[i] - moved[moved.size() / 2 + i]).abs().max().item<float>() < 1e-6F);
  }
}

TEST_CASE("narrow gradients go to their sums as they come", "[unit]") {
  at::Tensor const parameter = at::zeros({4}, at::kBFloat16).requires_grad_();
  at::Tensor const other = at::zeros({2}).requires_grad_();
  {
    AdamW adam({group(parameter, 1e-3, 0), group(other, 1e-3, 0)}, {});
    adam.take_gradients_as_they_come();
    for (int pass = 0; pass < 2; ++pass) (parameter.sum() + other.sum()).backward();
    CHECK_FALSE(parameter.grad().defined());
    CHECK(other.grad().equal(at::full({2}, 2.0F)));
    CHECK(std::abs(adam.gradient_norm().item<float>() - std::sqrt(4 * 4 + 2 * 4)) < 1e-5);
  }
  parameter.sum().backward();
  CHECK(parameter.grad().defined());
}

TEST_CASE("gradients of bfloat16 parameters add up in fp32", "[unit]") {
  Tensor parameter = at::zeros({1}, at::kBFloat16);
  AdamW adam({group(parameter, 1, 0)}, {});
  for (double const value : {256.0, 1.0, 1.0}) {
    parameter.mutable_grad() = at::full({1}, value, at::kBFloat16);
    adam.take_gradients();
  }
  CHECK(adam.gradient_norm().item<float>() == 258);
}

TEST_CASE("restored state goes on bit for bit; another's is refused", "[unit]") {
  auto const gradient = [](int step) {
    return at::tensor({0.1F * static_cast<float>(step), -1.0F});
  };
  Tensor a = at::tensor({1.0F, 2.0F});
  AdamW straight({group(a, 0.1, 0.1)}, {});
  std::map<std::string, Tensor> kept;
  Tensor at_three;
  for (int step = 0; step < 6; ++step) {
    if (step == 3) {
      for (auto const& [name, tensor] : straight.state()) kept[name] = tensor.clone();
      at_three = a.clone();
    }
    a.mutable_grad() = gradient(step);
    straight.step(0.5);
  }
  AdamW resumed({group(at_three, 0.1, 0.1)}, {});
  resumed.restore(kept, 3, "x");
  for (int step = 3; step < 6; ++step) {
    at_three.mutable_grad() = gradient(step);
    resumed.step(0.5);
  }
  CHECK(at_three.equal(a));
  CHECK(resumed.steps_done() == 6);

  Tensor other = at::zeros({3});
  AdamW wrong({group(other, 0.1, 0.1)}, {});
  CHECK_THROWS_AS(wrong.restore(kept, 3, "x"), InputError);
  kept["first.q"] = at::zeros({1});
  CHECK_THROWS_AS(resumed.restore(kept, 3, "x"), InputError);
}

TEST_CASE("a stage's groups hold what it trains and nothing else", "[unit]") {
  using Stage1 = test::SmallRecipe<ConnectorInit>;
  Stage1::Network network;
  auto const groups = groups_of<Stage1>(network, Stage1::Stage::defaults);
  REQUIRE(groups.size() == 2);
  CHECK(groups[0].names == std::vector<std::string>{"model.mm_projector.mlp.0.weight",
                                                    "model.mm_projector.mlp.2.weight"});
  CHECK(groups[1].names ==
        std::vector<std::string>{"model.mm_projector.mlp.0.bias", "model.mm_projector.mlp.2.bias"});
  AdamW const adam(groups, {});
  CHECK(adam.state_bytes() == 2 * 4 * parameter_count<Stage1::Connector>);
}

TEST_CASE("encoder and connector get groups of their own with rates of their own", "[unit]") {
  using Stage2 = test::SmallRecipe<VisualPretraining>;
  Stage2::Network network;
  Hyperparameters run = Stage2::Stage::defaults;
  run.weight_decay = 0.1;
  run.connector_learning_rate = 3e-5;
  auto const groups = groups_of<Stage2>(network, run);
  REQUIRE(groups.size() == 6);
  CHECK(groups[0].learning_rate == 1e-5);
  CHECK(groups[2].learning_rate == 3e-5);
  CHECK(groups[4].learning_rate == 2e-6);
  std::size_t names = 0;
  for (std::size_t g = 0; g < groups.size(); ++g) {
    names += groups[g].names.size();
    CHECK(groups[g].weight_decay == (g % 2 == 0 ? 0.1 : 0.0));
    for (auto const& name : groups[g].names) {
      CAPTURE(name);
      bool const encoder = name.starts_with("model.vision_tower.");
      CHECK(encoder == (g >= 4));
      bool const plain =
          name.find("bias") != name.npos || (encoder && name.find("norm") != name.npos);
      CHECK(plain == (g % 2 == 1));
    }
  }
  CHECK(names == static_cast<std::size_t>(key_count<Stage2::Network>));
}
