#include <vcflash/encoders/internvideo2.hpp>

#include "bench/encoders/clip.hpp"

/// A clip of four frames through InternVideo2-1B, bf16.

namespace {

using namespace vcflash;

void clip(benchmark::State& state) { bench::run_clip<InternVideo2_1B>(state); }
BENCHMARK(clip)->Unit(benchmark::kMillisecond)->Iterations(2);

}  // namespace
