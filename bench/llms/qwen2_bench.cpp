#include <benchmark/benchmark.h>
#include <vcflash/llms/qwen2.hpp>
#include <vcflash/tensor/initialise.hpp>
#include <vcflash/tensor/placement.hpp>

#include <ATen/core/grad_mode.h>
#include <ATen/ops/randint.h>

#include <cstdint>
#include <memory>

#include "bench/support/timing.hpp"

/// Qwen2.5-0.5B with random weights, bf16: a prompt of 2,048 tokens, and tokens after it.

namespace {

using namespace vcflash;
using Llm = Qwen2_5_0_5B;
constexpr std::int64_t prompt_tokens = 2048;

Llm const& llm() {
  static auto const made = [] {
    auto drawn = std::make_unique<Llm>();
    initialise(*drawn, {}, 1);
    convert_to(*drawn, at::kBFloat16);
    return drawn;
  }();
  return *made;
}

Tensor some_ids(std::int64_t count) {
  return at::randint(0, Llm::vocabulary, {1, count}, at::kLong);
}

/// To the logits of the last token.
void prefill(benchmark::State& state) {
  at::NoGradGuard const no_grad;
  Tensor const ids = some_ids(prompt_tokens);
  bench::run_warm(state, [&] {
    Llm::Cache cache;
    Tensor const states = llm().hidden_states(llm().embed(ids), &cache);
    benchmark::DoNotOptimize(llm().logits(states.select(1, prompt_tokens - 1)));
  });
}
BENCHMARK(prefill)->Unit(benchmark::kMillisecond)->Iterations(2);

/// A token to the choice of the next.
void decode(benchmark::State& state) {
  at::NoGradGuard const no_grad;
  Llm::Cache cache;
  llm().hidden_states(llm().embed(some_ids(prompt_tokens)), &cache);
  Tensor id = some_ids(1);
  bench::run_warm(state, [&] {
    Tensor const states = llm().hidden_states(llm().embed(id), &cache);
    id = llm().logits(states.select(1, 0)).argmax(-1, true);
    benchmark::DoNotOptimize(id.item<std::int64_t>());
  });
}
BENCHMARK(decode)->Unit(benchmark::kMillisecond)->Iterations(40);

}  // namespace
