#include <benchmark/benchmark.h>
#include <vcflash/connectors/tome.hpp>
#include <vcflash/dist/device.hpp>
#include <vcflash/encoders/internvideo2.hpp>
#include <vcflash/encoders/umt.hpp>
#include <vcflash/llms/qwen2.hpp>
#include <vcflash/models/video_chat.hpp>
#include <vcflash/recipe/recipe.hpp>
#include <vcflash/tensor/placement.hpp>
#include <vcflash/train/optimizer.hpp>

#include <ATen/core/grad_mode.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/mm.h>
#include <ATen/ops/rand.h>
#include <ATen/ops/randint.h>
#include <ATen/ops/randn.h>
#include <c10/core/CachingDeviceAllocator.h>
#include <c10/core/impl/VirtualGuardImpl.h>

#include <array>
#include <cstdint>
#include <vector>

#include "bench/support/timing.hpp"
#include "bench/support/training.hpp"

/// Real sizes in bf16 on the first GPU, random weights: what bench/gpu/run sets beside plain
/// PyTorch. Each benchmark's `fastest` is in seconds; `peak_MiB` is what tensors occupied at most.

namespace {

using namespace vcflash;

at::TensorOptions there(at::ScalarType dtype = at::kBFloat16) {
  static at::Device const device = dist::device_of("cuda", 0);
  return at::TensorOptions(dtype).device(device);
}

/// Draws a model's parameters on the GPU.
template <class Model>
void draw(Model& model) {
  at::NoGradGuard const no_grad;
  for (auto const& parameter : parameters_of(model)) {
    *parameter.value = at::empty(parameter.shape, there()).normal_(0, 0.02);
  }
}

/// Warm runs, each until the GPU has done its work.
template <class Work>
void run_on_gpu(benchmark::State& state, Work&& work) {
  c10::impl::VirtualGuardImpl const gpu(at::kCUDA);
  c10::getDeviceAllocator(at::kCUDA)->resetPeakStats(0);
  bench::run_warm(state, [&] {
    work();
    gpu.synchronizeDevice(0);
  });
  state.counters["peak_MiB"] = static_cast<double>(dist::peak_device_bytes(there().device()) >> 20);
}

void product(benchmark::State& state) {
  auto const side = state.range(0);
  Tensor const a = at::randn({side, side}, there()), b = at::randn({side, side}, there());
  run_on_gpu(state, [&] { benchmark::DoNotOptimize(at::mm(a, b)); });
}
BENCHMARK(product)->Arg(8192)->Iterations(20);

/// A gibibyte read and as much written.
void copy(benchmark::State& state) {
  Tensor const from = at::randn({1 << 29}, there()), to = at::empty({1 << 29}, there());
  run_on_gpu(state, [&] { to.copy_(from); });
}
BENCHMARK(copy)->Iterations(20);

template <class Encoder>
void encode(benchmark::State& state) {
  at::NoGradGuard const no_grad;
  Encoder encoder;
  draw(encoder);
  Tensor const pixels = at::rand(
      {state.range(0), Encoder::clip.frames, 3, Encoder::resolution, Encoder::resolution}, there());
  run_on_gpu(state, [&] { benchmark::DoNotOptimize(encoder(pixels, Encoder::clip)); });
}
void umt_224(benchmark::State& state) { encode<Umt<Res224>>(state); }
void umt_448(benchmark::State& state) { encode<Umt<Res448>>(state); }
void internvideo2(benchmark::State& state) { encode<InternVideo2_1B>(state); }
BENCHMARK(umt_224)->Arg(16)->Iterations(10);
BENCHMARK(umt_448)->Arg(16)->Iterations(5);
BENCHMARK(internvideo2)->Arg(16)->Iterations(5);

/// The features of 16 clips to 64 tokens each.
void merge(benchmark::State& state) {
  at::NoGradGuard const no_grad;
  Tensor const features = at::randn({16, state.range(0), 1024}, there());
  run_on_gpu(state, [&] { benchmark::DoNotOptimize(kernels::merge_tokens(features, 64, 16)); });
}
BENCHMARK(merge)->Arg(784)->Arg(3136)->Iterations(20);

Tensor some_ids(std::int64_t count) {
  return at::randint(0, Qwen2_5_7B::vocabulary, {1, count}, there(at::kLong));
}

/// Of Qwen2.5-7B, to the logits of the last token.
void prefill(benchmark::State& state) {
  at::NoGradGuard const no_grad;
  Qwen2_5_7B llm;
  draw(llm);
  Tensor const ids = some_ids(state.range(0));
  run_on_gpu(state, [&] {
    Qwen2_5_7B::Cache cache;
    Tensor const states = llm.hidden_states(llm.embed(ids), &cache);
    benchmark::DoNotOptimize(llm.logits(states.select(1, ids.size(1) - 1)));
  });
}
BENCHMARK(prefill)->Arg(2048)->Arg(16384)->Iterations(3);

/// Of Qwen2.5-7B, a token to the choice of the next.
void decode(benchmark::State& state) {
  at::NoGradGuard const no_grad;
  Qwen2_5_7B llm;
  draw(llm);
  Qwen2_5_7B::Cache cache;
  llm.hidden_states(llm.embed(some_ids(state.range(0))), &cache);
  Tensor id = some_ids(1);
  run_on_gpu(state, [&] {
    id = llm.logits(llm.hidden_states(llm.embed(id), &cache).select(1, 0)).argmax(-1, true);
    benchmark::DoNotOptimize(id.item<std::int64_t>());
  });
}
BENCHMARK(decode)->Arg(2048)->Iterations(40);

struct Stage1Of7B : Recipe<Umt<Res224>, ToMe16, Qwen2_5_7B, ConnectorInit> {
  static constexpr Name name = "stage 1 of 7B";
};
struct Stage2Of2B : Recipe<Umt<Res224>, ToMe16, Qwen2_5_1_5B, VisualPretraining> {
  static constexpr Name name = "stage 2 of 2B";
};

/// A video's visual tokens, made clip by clip, and a question of 32 tokens to Qwen2.5-7B, to the
/// first token of the answer; once, without warming up.
void haystack(benchmark::State& state) {
  at::NoGradGuard const no_grad;
  using Network = Stage1Of7B::Network;
  Network model;
  draw(model);
  constexpr std::int64_t at_once = 16 * Network::Encoder::clip.frames;
  constexpr auto side = Network::Encoder::resolution;
  Medium const part{.pixels = at::rand({at_once, 3, side, side}, there())};
  c10::impl::VirtualGuardImpl const gpu(at::kCUDA);
  c10::getDeviceAllocator(at::kCUDA)->resetPeakStats(0);
  for (auto _ : state) {
    std::vector<Tensor> parts;
    for (std::int64_t frame = 0; frame < state.range(0); frame += at_once) {
      parts.push_back(model.visual_tokens(std::array{&part})[0]);
    }
    gpu.synchronizeDevice(0);
    parts.push_back(model.llm.embed(some_ids(32)[0]));
    Tensor const prompt = at::cat(parts).unsqueeze(0);
    Network::Llm::Cache cache;
    cache.reserve(prompt.size(1));
    Tensor const states = model.llm.hidden_states(prompt, &cache);
    benchmark::DoNotOptimize(model.llm.logits(states.select(1, -1)).argmax().item<std::int64_t>());
    state.counters["tokens"] = static_cast<double>(prompt.size(1));
  }
  state.counters["peak_MiB"] = static_cast<double>(dist::peak_device_bytes(there().device()) >> 20);
}
BENCHMARK(haystack)->Arg(1024)->Arg(10'000)->Iterations(1)->Unit(benchmark::kSecond);

/// Forward, backward and the optimizer's step over one conversation of 256 tokens and a video.
template <class R>
void step(benchmark::State& state) {
  typename R::Network model;
  draw(model);
  freeze_as_staged<R>(model);
  train::AdamW adam(train::parameter_groups<R>(model, R::Stage::defaults), {});
  auto const samples = bench::conversations<R>(1, state.range(0), 256);
  run_on_gpu(state, [&] { bench::train_once(model, adam, samples); });
}
void connector_step(benchmark::State& state) { step<Stage1Of7B>(state); }
void full_step(benchmark::State& state) { step<Stage2Of2B>(state); }
BENCHMARK(connector_step)->Arg(64)->Iterations(5);
BENCHMARK(full_step)->Arg(64)->Iterations(5);

}  // namespace
