#include <benchmark/benchmark.h>
#include <vcflash/llms/qwen2.hpp>
#include <vcflash/tensor/initialize.hpp>
#include <vcflash/tensor/placement.hpp>

#include <ATen/core/grad_mode.h>
#include <ATen/ops/randint.h>

#include <cstdint>
#include <memory>

#include "bench/support/timing.hpp"

/// Qwen2.5 with random weights, bf16: a prompt of 2,048 tokens, and tokens after it.

namespace {

using namespace vcflash;
constexpr std::int64_t prompt_tokens = 2048;

template <class Llm>
Llm const& llm() {
  static auto const made = [] {
    auto drawn = std::make_unique<Llm>();
    initialize(*drawn, {}, 1);
    convert_to(*drawn, at::kBFloat16);
    return drawn;
  }();
  return *made;
}

template <class Llm>
Tensor some_ids(std::int64_t count) {
  return at::randint(0, Llm::vocabulary, {1, count}, at::kLong);
}

/// To the logits of the last token.
template <class Llm>
void prefill(benchmark::State& state) {
  at::NoGradGuard const no_grad;
  auto const& model = llm<Llm>();
  Tensor const ids = some_ids<Llm>(prompt_tokens);
  bench::run_warm(state, [&] {
    typename Llm::Cache cache;
    Tensor const states = model.hidden_states(model.embed(ids), &cache);
    benchmark::DoNotOptimize(model.logits(states.select(1, prompt_tokens - 1)));
  });
}
BENCHMARK(prefill<Qwen2_5_0_5B>)
    ->Name("prefill_0_5b")
    ->Unit(benchmark::kMillisecond)
    ->Iterations(2);
BENCHMARK(prefill<Qwen2_5_1_5B>)
    ->Name("prefill_1_5b")
    ->Unit(benchmark::kMillisecond)
    ->Iterations(2);

/// A token to the choice of the next.
template <class Llm>
void decode(benchmark::State& state) {
  at::NoGradGuard const no_grad;
  auto const& model = llm<Llm>();
  typename Llm::Cache cache;
  model.hidden_states(model.embed(some_ids<Llm>(prompt_tokens)), &cache);
  Tensor id = some_ids<Llm>(1);
  bench::run_warm(state, [&] {
    Tensor const states = model.hidden_states(model.embed(id), &cache);
    id = model.logits(states.select(1, 0)).argmax(-1, true);
    benchmark::DoNotOptimize(id.item<std::int64_t>());
  });
}
BENCHMARK(decode<Qwen2_5_0_5B>)->Name("decode_0_5b")->Unit(benchmark::kMillisecond)->Iterations(40);
BENCHMARK(decode<Qwen2_5_1_5B>)->Name("decode_1_5b")->Unit(benchmark::kMillisecond)->Iterations(40);

}  // namespace
