#include <benchmark/benchmark.h>
#include <vcflash/train/optimizer.hpp>

#include <ATen/ops/full.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/zeros.h>
#include <ATen/ops/zeros_like.h>

#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include "bench/support/timing.hpp"

#include "recipes/stage2_tiny.hpp"

namespace {

using Recipe = recipes::stage2_tiny;

std::vector<vcflash::train::ParameterGroup> groups_with_gradients(Recipe::Network& network) {
  vcflash::initialize_model<Recipe>(network, 1);
  auto groups = vcflash::train::parameter_groups<Recipe>(network, Recipe::Stage::defaults);
  for (auto& group : groups) {
    for (auto& parameter : group.parameters) {
      parameter.mutable_grad() = at::randn(parameter.sizes());
    }
  }
  return groups;
}

void count(benchmark::State& state) {
  state.SetItemsProcessed(state.iterations() * vcflash::parameter_count<Recipe::Network>);
}

/// One step over the demo's model with clipping, as a training does it.
void adamw(benchmark::State& state) {
  Recipe::Network network;
  auto const groups = groups_with_gradients(network);
  vcflash::train::AdamW adam(groups, {});
  std::vector<at::Tensor> gradients;
  for (auto const& group : groups) {
    for (auto const& parameter : group.parameters) gradients.push_back(parameter.grad());
  }
  for (auto _ : state) {
    std::size_t i = 0;
    for (auto const& group : groups) {
      for (auto const& parameter : group.parameters) parameter.mutable_grad() = gradients[i++];
    }
    adam.clip(adam.gradient_norm().item<float>(), 1);
    adam.step(1e-3);
  }
  count(state);
}
BENCHMARK(adamw)->Unit(benchmark::kMicrosecond);

/// Clipping and a step over tensors of two million parameters each, fp32.
void adamw_large(benchmark::State& state) {
  constexpr std::int64_t elements = 2'000'000;
  std::int64_t const tensors = state.range(0);
  vcflash::train::ParameterGroup group;
  group.learning_rate = 1e-5;
  group.weight_decay = 0.01;
  std::vector<at::Tensor> gradients;
  for (std::int64_t i = 0; i < tensors; ++i) {
    group.names.push_back(std::to_string(i));
    group.parameters.push_back(at::zeros({elements}).requires_grad_(true));
    gradients.push_back(at::full({elements}, 1e-3F));
  }
  auto const parameters = group.parameters;
  vcflash::train::AdamW adam({std::move(group)}, {});
  vcflash::bench::run_warm(state, [&] {
    for (std::size_t i = 0; i < gradients.size(); ++i) parameters[i].mutable_grad() = gradients[i];
    adam.clip(adam.gradient_norm().item<float>(), 1);
    adam.step(1);
  });
  state.SetItemsProcessed(state.iterations() * tensors * elements);
}
BENCHMARK(adamw_large)->Arg(100)->Arg(393)->Unit(benchmark::kMillisecond)->Iterations(3);

/// The same as `adamw`, one tensor operation after another.
void adamw_plain(benchmark::State& state) {
  at::NoGradGuard const no_grad;
  Recipe::Network network;
  auto const groups = groups_with_gradients(network);
  std::vector<at::Tensor> parameters, first, second;
  for (auto const& group : groups) {
    for (auto const& parameter : group.parameters) {
      parameters.push_back(parameter);
      first.push_back(at::zeros_like(parameter));
      second.push_back(at::zeros_like(parameter));
    }
  }
  double const beta1 = 0.9, beta2 = 0.98, rate = 1e-6;
  for (auto _ : state) {
    double squares = 0;
    for (auto const& p : parameters) squares += std::pow(p.grad().norm().item<double>(), 2);
    double const scale = std::min(1.0, 1.0 / (std::sqrt(squares) + 1e-6));
    for (std::size_t i = 0; i < parameters.size(); ++i) {
      at::Tensor const gradient = parameters[i].grad().mul(scale);
      parameters[i].mul_(1 - rate * 0.01);
      first[i].lerp_(gradient, 1 - beta1);
      second[i].mul_(beta2).addcmul_(gradient, gradient, 1 - beta2);
      parameters[i].addcdiv_(first[i], second[i].sqrt().add_(1e-8), -rate);
    }
  }
  count(state);
}
BENCHMARK(adamw_plain)->Unit(benchmark::kMicrosecond);

}  // namespace
