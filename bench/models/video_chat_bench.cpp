#include <benchmark/benchmark.h>
#include <vcflash/connectors/tome.hpp>
#include <vcflash/encoders/umt.hpp>
#include <vcflash/llms/qwen2.hpp>
#include <vcflash/meta/process_memory.hpp>
#include <vcflash/models/video_chat.hpp>
#include <vcflash/tensor/placement.hpp>
#include <vcflash/train/optimizer.hpp>

#include <ATen/ops/rand.h>
#include <ATen/ops/randint.h>

#include "bench/support/timing.hpp"
#include "recipes/stage2_tiny.hpp"

namespace {

using Recipe = recipes::stage2_tiny;

/// Conversations about videos; two thirds of each are the question.
template <class R>
std::vector<vcflash::Sample> conversations(std::int64_t count, std::int64_t frames,
                                           std::int64_t tokens) {
  std::vector<vcflash::Sample> samples;
  for (std::int64_t i = 0; i < count; ++i) {
    at::Tensor ids = at::randint(0, R::Llm::vocabulary, {tokens}, at::kLong);
    ids[5] = vcflash::media_placeholder;
    at::Tensor labels = ids.clone();
    labels.narrow(0, 0, 2 * tokens / 3).fill_(vcflash::ignore_label);
    constexpr std::int64_t side = R::Encoder::resolution;
    samples.push_back({ids, labels, {{.pixels = at::rand({frames, 3, side, side})}}});
  }
  return samples;
}

/// Forward and backward of the demo's batch: 32 conversations of 100 tokens.
void training_step(benchmark::State& state) {
  Recipe::Network model;
  vcflash::initialise_model<Recipe>(model, 1);
  vcflash::set_trained(model, true);
  auto const samples = conversations<Recipe>(32, state.range(0), 100);
  for (auto _ : state) model.loss(samples).backward();
  state.SetItemsProcessed(state.iterations() * 32);
}
BENCHMARK(training_step)->Arg(4)->Arg(8)->Arg(16)->Unit(benchmark::kMillisecond);

void forward(benchmark::State& state) {
  at::NoGradGuard const no_grad;
  Recipe::Network model;
  vcflash::initialise_model<Recipe>(model, 1);
  auto const samples = conversations<Recipe>(32, state.range(0), 100);
  for (auto _ : state) benchmark::DoNotOptimize(model.loss(samples));
  state.SetItemsProcessed(state.iterations() * 32);
}
BENCHMARK(forward)->Arg(4)->Arg(8)->Arg(16)->Unit(benchmark::kMillisecond);

/// Stage 1 with a small LLM.
struct SmallStage1 : vcflash::Recipe<vcflash::Umt<vcflash::Res224>, vcflash::ToMe16,
                                     vcflash::Qwen2_5_0_5B, vcflash::ConnectorInit> {
  static constexpr vcflash::Name name = "small stage 1";
};

/// Forward, backward and the optimiser's step, bf16: one conversation of 256 tokens about 8 frames.
/// `peak_MiB` is the process's memory at its highest.
void connector_step(benchmark::State& state) {
  SmallStage1::Network model;
  vcflash::initialise_model<SmallStage1>(model, 1);
  vcflash::convert_to(model, at::kBFloat16);
  vcflash::freeze_as_staged<SmallStage1>(model);
  vcflash::train::AdamW adam(
      vcflash::train::parameter_groups<SmallStage1>(model, SmallStage1::Stage::defaults), {});
  auto const samples = conversations<SmallStage1>(1, 8, 256);
  vcflash::bench::forget_peak_memory();
  vcflash::bench::run_warm(state, [&] {
    model.loss(samples).backward();
    adam.take_gradients();
    adam.clip(adam.gradient_norm().item<float>(), 1);
    adam.step(1);
  });
  state.counters["peak_MiB"] = static_cast<double>(vcflash::peak_memory_mib());
}
BENCHMARK(connector_step)->Unit(benchmark::kMillisecond)->Iterations(2);

}  // namespace
