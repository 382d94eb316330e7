#include <benchmark/benchmark.h>
#include <vcflash/kernels/token_merging.hpp>

#include <ATen/core/grad_mode.h>
#include <ATen/ops/randn.h>

#include "bench/support/timing.hpp"

namespace {

using namespace vcflash;

/// A clip's features of UMT-L down to 64 tokens, bf16: 784 tokens at 224 pixels, 3136 at 448.
void merge(benchmark::State& state) {
  at::NoGradGuard const no_grad;
  Tensor const features = at::randn({1, state.range(0), 1024}).to(at::kBFloat16);
  bench::run_warm(state,
                  [&] { benchmark::DoNotOptimize(kernels::merge_tokens(features, 64, 16)); });
}
BENCHMARK(merge)->Arg(784)->Arg(3136)->Unit(benchmark::kMillisecond)->Iterations(30);

}  // namespace
