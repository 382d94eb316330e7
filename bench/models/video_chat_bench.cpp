#include <benchmark/benchmark.h>
#include <vcflash/base/process_memory.hpp>
#include <vcflash/connectors/tome.hpp>
#include <vcflash/encoders/umt.hpp>
#include <vcflash/infer/generate.hpp>
#include <vcflash/llms/qwen2.hpp>
#include <vcflash/models/video_chat.hpp>
#include <vcflash/tensor/placement.hpp>
#include <vcflash/train/optimizer.hpp>

#include "bench/support/timing.hpp"
#include "bench/support/training.hpp"
#include "recipes/stage2_tiny.hpp"

namespace {

using Recipe = recipes::stage2_tiny;
using vcflash::bench::conversations;

/// Forward and backward of the demo's batch: 32 conversations of 100 tokens.
void training_step(benchmark::State& state) {
  Recipe::Network model;
  vcflash::initialize_model<Recipe>(model, 1);
  vcflash::set_trained(model, true);
  auto const samples = conversations<Recipe>(32, state.range(0), 100);
  for (auto _ : state) model.loss(samples).backward();
  state.SetItemsProcessed(state.iterations() * 32);
}
BENCHMARK(training_step)->Arg(4)->Arg(8)->Arg(16)->Unit(benchmark::kMillisecond);

void forward(benchmark::State& state) {
  at::NoGradGuard const no_grad;
  Recipe::Network model;
  vcflash::initialize_model<Recipe>(model, 1);
  auto const samples = conversations<Recipe>(32, state.range(0), 100);
  for (auto _ : state) benchmark::DoNotOptimize(model.loss(samples));
  state.SetItemsProcessed(state.iterations() * 32);
}
BENCHMARK(forward)->Arg(4)->Arg(8)->Arg(16)->Unit(benchmark::kMillisecond);

/// Stage 1 and stage 2 with a small LLM.
struct SmallStage1 : vcflash::Recipe<vcflash::Umt<vcflash::Res224>, vcflash::ToMe16,
                                     vcflash::Qwen2_5_0_5B, vcflash::ConnectorInit> {
  static constexpr vcflash::Name name = "small stage 1";
};
struct SmallStage2 : vcflash::Recipe<vcflash::Umt<vcflash::Res224>, vcflash::ToMe16,
                                     vcflash::Qwen2_5_0_5B, vcflash::VisualPretraining> {
  static constexpr vcflash::Name name = "small stage 2";
};

/// Forward, backward and the optimizer's step, bf16: one conversation of 256 tokens about 8 frames.
/// `peak_MiB` is the process's memory at its highest.
template <class R>
void step(benchmark::State& state) {
  typename R::Network model;
  vcflash::initialize_rest<R>(model, 1, at::kBFloat16);
  vcflash::freeze_as_staged<R>(model);
  vcflash::train::AdamW adam(vcflash::train::parameter_groups<R>(model, R::Stage::defaults),
                             {.several_passes = false});
  auto const samples = conversations<R>(1, 8, 256);
  vcflash::bench::forget_peak_memory();
  vcflash::bench::run_warm(state, [&] { vcflash::bench::train_once(model, adam, samples); });
  state.counters["peak_MiB"] = static_cast<double>(vcflash::peak_memory_mib());
}
BENCHMARK(step<SmallStage1>)->Name("connector_step")->Unit(benchmark::kMillisecond)->Iterations(2);
BENCHMARK(step<SmallStage2>)->Name("full_step")->Unit(benchmark::kMillisecond)->Iterations(2);

/// The parts of the released 2B model, at 224 pixels.
struct Small2B
    : vcflash::ModelOf<vcflash::Umt<vcflash::Res224>, vcflash::ToMe16, vcflash::Qwen2_5_1_5B> {
  static constexpr vcflash::Name name = "2B at 224";
};

/// 64 frames and a question of 32 tokens to the first token of the answer, bf16.
void first_token(benchmark::State& state) {
  at::NoGradGuard const no_grad;
  Small2B::Network model;
  vcflash::initialize_rest<Small2B>(model, 1, at::kBFloat16);
  auto const samples = conversations<Small2B>(1, 64, 32);
  vcflash::bench::forget_peak_memory();
  vcflash::bench::run_warm(
      state,
      [&] {
        Small2B::Llm::Cache cache;
        auto const states = model.llm.hidden_states(model.embed(samples).embeddings, &cache);
        benchmark::DoNotOptimize(
            vcflash::infer::likeliest_token(model.llm, states, Small2B::Llm::vocabulary));
      },
      2);
  state.counters["peak_MiB"] = static_cast<double>(vcflash::peak_memory_mib());
}
BENCHMARK(first_token)->Unit(benchmark::kMillisecond)->Iterations(2);

}  // namespace
