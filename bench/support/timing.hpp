#pragma once

#include <benchmark/benchmark.h>

#include <algorithm>
#include <chrono>
#include <fstream>
#include <limits>

/// What benchmarks measure besides Google Benchmark's mean.
namespace vcflash::bench {

/// Does `work` a few times unmeasured, as LibTorch's first runs of a shape are its slowest, then
/// once an iteration. \return seconds of the fastest, also the counter `fastest`
template <class Work>
double run_warm(benchmark::State& state, Work&& work, int warm = 6) {
  using Clock = std::chrono::steady_clock;
  for (int run = 0; run < warm; ++run) work();
  double fastest = std::numeric_limits<double>::max();
  for (auto _ : state) {
    auto const begin = Clock::now();
    work();
    fastest = std::min(fastest, std::chrono::duration<double>(Clock::now() - begin).count());
  }
  state.counters["fastest"] = fastest;
  return fastest;
}

/// Makes the process's highest memory so far the present one.
inline void forget_peak_memory() { std::ofstream("/proc/self/clear_refs") << 5; }

}  // namespace vcflash::bench
