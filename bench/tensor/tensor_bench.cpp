#include <benchmark/benchmark.h>
#include <vcflash/tensor/tensor.hpp>

#include <ATen/ops/mm.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/rand.h>
#include <ATen/ops/sum.h>

#include <cstdint>

#include "bench/support/timing.hpp"

/// What the machine can do at most, which bench/peers/run holds its rows against.

namespace {

using namespace vcflash;

/// A product of 2048 x 2048 matrices.
void product(benchmark::State& state, at::ScalarType type) {
  constexpr std::int64_t side = 2048;
  Tensor const a = at::rand({side, side}).to(type), b = at::rand({side, side}).to(type);
  double const fastest = bench::run_warm(state, [&] { benchmark::DoNotOptimize(at::mm(a, b)); });
  state.counters["fastest_FLOPs"] = 2.0 * side * side * side / fastest;
}
void product_bf16(benchmark::State& state) { product(state, at::kBFloat16); }
void product_fp32(benchmark::State& state) { product(state, at::kFloat); }
BENCHMARK(product_bf16)->Unit(benchmark::kMillisecond)->Iterations(10);
BENCHMARK(product_fp32)->Unit(benchmark::kMillisecond)->Iterations(10);

/// A gibibyte read once.
void read(benchmark::State& state) {
  Tensor const numbers = at::ones({std::int64_t{1} << 28});
  double const fastest = bench::run_warm(state, [&] { benchmark::DoNotOptimize(numbers.sum()); });
  state.counters["fastest_bytes"] = static_cast<double>(numbers.nbytes()) / fastest;
}
BENCHMARK(read)->Unit(benchmark::kMillisecond)->Iterations(10);

/// Half a gibibyte read and as much written.
void copy(benchmark::State& state) {
  Tensor const from = at::ones({std::int64_t{1} << 27}), to = at::ones({std::int64_t{1} << 27});
  double const fastest = bench::run_warm(state, [&] { to.copy_(from); });
  state.counters["fastest_bytes"] = 2 * static_cast<double>(from.nbytes()) / fastest;
}
BENCHMARK(copy)->Unit(benchmark::kMillisecond)->Iterations(10);

/// What a program does first; the time that counts is the program's own.
void first_kernel(benchmark::State& state) {
  for (auto _ : state) benchmark::DoNotOptimize(at::ones({1024}).sum().item<float>());
}
BENCHMARK(first_kernel)->Iterations(1);

}  // namespace
