#include <benchmark/benchmark.h>
#include <vcflash/models/video_chat.hpp>
#include <vcflash/tensor/placement.hpp>

#include <ATen/ops/rand.h>
#include <ATen/ops/randint.h>

#include "recipes/stage2_tiny.hpp"

namespace {

using Recipe = recipes::stage2_tiny;

std::vector<vcflash::Sample> conversations(std::int64_t count, std::int64_t frames,
                                           std::int64_t tokens) {
  std::vector<vcflash::Sample> samples;
  for (std::int64_t i = 0; i < count; ++i) {
    at::Tensor ids = at::randint(0, Recipe::Llm::vocabulary, {tokens}, at::kLong);
    ids[5] = vcflash::media_placeholder;
    at::Tensor labels = ids.clone();
    labels.narrow(0, 0, 2 * tokens / 3).fill_(vcflash::ignore_label);
    constexpr std::int64_t side = Recipe::Encoder::resolution;
    samples.push_back({ids, labels, {{.pixels = at::rand({frames, 3, side, side})}}});
  }
  return samples;
}

/// Forward and backward of the demo's batch: 32 conversations of 100 tokens.
void training_step(benchmark::State& state) {
  Recipe::Network model;
  vcflash::initialise_model<Recipe>(model, 1);
  vcflash::set_trained(model, true);
  auto const samples = conversations(32, state.range(0), 100);
  for (auto _ : state) model.loss(samples).backward();
  state.SetItemsProcessed(state.iterations() * 32);
}
BENCHMARK(training_step)->Arg(4)->Arg(8)->Arg(16)->Unit(benchmark::kMillisecond);

void forward(benchmark::State& state) {
  at::NoGradGuard const no_grad;
  Recipe::Network model;
  vcflash::initialise_model<Recipe>(model, 1);
  auto const samples = conversations(32, state.range(0), 100);
  for (auto _ : state) benchmark::DoNotOptimize(model.loss(samples));
  state.SetItemsProcessed(state.iterations() * 32);
}
BENCHMARK(forward)->Arg(4)->Arg(8)->Arg(16)->Unit(benchmark::kMillisecond);

}  // namespace
