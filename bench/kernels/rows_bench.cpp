#include <benchmark/benchmark.h>
#include <vcflash/kernels/linear.hpp>
#include <vcflash/kernels/norm.hpp>
#include <vcflash/kernels/rms_norm.hpp>
#include <vcflash/kernels/swiglu.hpp>

#include <ATen/core/grad_mode.h>
#include <ATen/ops/linalg_vector_norm.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/silu.h>
#include <ATen/ops/zeros.h>

#include <cstdint>

/// What goes row by row (linear, rms_norm, swiglu, norm), beside the LibTorch operations that it
/// stands for: bf16, the widths of Qwen2.5-1.5B, a token of decoding or 2,048 of a prompt.

namespace {

using namespace vcflash;
constexpr std::int64_t hidden = 1536, intermediate = 8960;

Tensor some(at::IntArrayRef shape) { return at::randn(shape).to(at::kBFloat16); }

template <class Work>
void run(benchmark::State& state, Work const& work) {
  at::NoGradGuard const no_grad;
  for (auto _ : state) benchmark::DoNotOptimize(work());
}

template <bool Ours>
void linear(benchmark::State& state) {
  Tensor const x = some({state.range(0), hidden}), weight = some({intermediate, hidden});
  run(state, [&] { return Ours ? kernels::linear(x, weight) : at::linear(x, weight); });
}
BENCHMARK(linear<true>)->Name("linear/ours")->Arg(1)->Arg(2);
BENCHMARK(linear<false>)->Name("linear/libtorch")->Arg(1)->Arg(2);

template <bool Ours>
void rms_norm(benchmark::State& state) {
  Tensor const x = some({state.range(0), hidden}), weight = some({hidden});
  run(state, [&] {
    return Ours ? kernels::rms_norm(x, weight, 1e-6)
                : kernels::detail::plain_rms_norm(x, weight, 1e-6);
  });
}
BENCHMARK(rms_norm<true>)->Name("rms_norm/ours")->Arg(1)->Arg(2048);
BENCHMARK(rms_norm<false>)->Name("rms_norm/libtorch")->Arg(1)->Arg(2048);

template <bool Ours>
void swiglu(benchmark::State& state) {
  // Ours writes into the gate: zeros stay zeros.
  Tensor const gate = at::zeros({state.range(0), intermediate}, at::kBFloat16),
               up = some(gate.sizes());
  run(state, [&] { return Ours ? kernels::swiglu(gate, up) : at::silu(gate) * up; });
}
BENCHMARK(swiglu<true>)->Name("swiglu/ours")->Arg(1)->Arg(2048);
BENCHMARK(swiglu<false>)->Name("swiglu/libtorch")->Arg(1)->Arg(2048);

template <bool Ours>
void norm(benchmark::State& state) {
  Tensor const x = some({state.range(0), hidden});
  run(state, [&] {
    return Ours ? kernels::norm(x) : at::linalg_vector_norm(x, 2, {}, false, at::kFloat);
  });
}
BENCHMARK(norm<true>)->Name("norm/ours")->Arg(2048);
BENCHMARK(norm<false>)->Name("norm/libtorch")->Arg(2048);

}  // namespace
