#include <vcflash/encoders/umt.hpp>

#include "bench/encoders/clip.hpp"

/// A clip of four frames through UMT-L, bf16.

namespace {

using namespace vcflash;

void clip_224(benchmark::State& state) { bench::run_clip<Umt<Res224>>(state); }
void clip_448(benchmark::State& state) { bench::run_clip<Umt<Res448>>(state); }
BENCHMARK(clip_224)->Unit(benchmark::kMillisecond)->Iterations(5);
BENCHMARK(clip_448)->Unit(benchmark::kMillisecond)->Iterations(2);

}  // namespace
