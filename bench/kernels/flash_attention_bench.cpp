#include <benchmark/benchmark.h>
#include <vcflash/kernels/flash_attention.hpp>

#include <ATen/core/grad_mode.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/scaled_dot_product_attention.h>

#include <cstdint>
#include <optional>

/// Attention in one pass beside LibTorch's, bf16: a clip of UMT-L's at 224 and 448 pixels and of
/// InternVideo2-1B's, and 2,048 tokens of Qwen2.5-7B.

namespace {

using vcflash::Tensor;

/// As a projection leaves it.
Tensor some(std::int64_t heads, std::int64_t tokens, std::int64_t head_dim) {
  return at::randn({1, tokens, heads, head_dim}).to(at::kBFloat16).transpose(1, 2);
}

struct Operands {
  Tensor query, key, value;
  bool causal;

  explicit Operands(benchmark::State const& state)
      : query(some(state.range(0), state.range(2), state.range(3))),
        key(some(state.range(1), state.range(2), state.range(3))),
        value(some(state.range(1), state.range(2), state.range(3))),
        causal(state.range(4) != 0) {}
};

void ours(benchmark::State& state) {
  at::NoGradGuard const no_grad;
  Operands const x(state);
  if (!vcflash::kernels::takes_flash_attention(x.query, x.key, x.value)) {
    state.SkipWithError("the processor has no fast path");
  }
  for (auto _ : state) {
    benchmark::DoNotOptimize(
        vcflash::kernels::flash_attention(x.query, x.key, x.value, x.causal).mixed);
  }
}

void libtorch(benchmark::State& state) {
  at::NoGradGuard const no_grad;
  Operands const x(state);
  for (auto _ : state) {
    benchmark::DoNotOptimize(at::scaled_dot_product_attention(
        x.query, x.key, x.value, std::nullopt, 0.0, x.causal, std::nullopt, /*enable_gqa=*/true));
  }
}

void shapes(benchmark::internal::Benchmark* benchmark) {
  benchmark->ArgNames({"heads", "kv_heads", "tokens", "head_dim", "causal"})
      ->Args({16, 16, 784, 64, 0})
      ->Args({16, 16, 3136, 64, 0})
      ->Args({16, 16, 1025, 88, 0})
      ->Args({28, 4, 2048, 128, 1})
      ->Unit(benchmark::kMillisecond);
}
BENCHMARK(ours)->Apply(shapes);
BENCHMARK(libtorch)->Apply(shapes);

}  // namespace
