#include <benchmark/benchmark.h>
#include <vcflash/encoders/umt.hpp>
#include <vcflash/tensor/initialise.hpp>
#include <vcflash/tensor/placement.hpp>

#include <ATen/core/grad_mode.h>
#include <ATen/ops/rand.h>

#include "bench/support/timing.hpp"

/// A clip of four frames through UMT-L, bf16.

namespace {

using namespace vcflash;

template <class Encoder>
void clip(benchmark::State& state) {
  at::NoGradGuard const no_grad;
  Encoder encoder;
  initialise(encoder, {}, 1);
  convert_to(encoder, at::kBFloat16);
  Tensor const pixels =
      at::rand({1, Encoder::clip_frames, 3, Encoder::resolution, Encoder::resolution})
          .to(at::kBFloat16);
  bench::run_warm(state, [&] { benchmark::DoNotOptimize(encoder(pixels)); });
}
void clip_224(benchmark::State& state) { clip<Umt<Res224>>(state); }
void clip_448(benchmark::State& state) { clip<Umt<Res448>>(state); }
BENCHMARK(clip_224)->Unit(benchmark::kMillisecond)->Iterations(5);
BENCHMARK(clip_448)->Unit(benchmark::kMillisecond)->Iterations(2);

}  // namespace
