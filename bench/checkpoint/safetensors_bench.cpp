#include <benchmark/benchmark.h>
#include <vcflash/checkpoint/safetensors.hpp>

#include <ATen/ops/ones.h>

#include <filesystem>

using namespace vcflash;
using namespace vcflash::checkpoint;

namespace {

constexpr std::int64_t tensors = 64, elements = 1 << 20;

NamedTensors weights() {
  NamedTensors named;
  for (std::int64_t i = 0; i < tensors; ++i) {
    named.emplace_back("layer." + std::to_string(i), at::ones({elements}));
  }
  return named;
}

std::filesystem::path file() {
  return std::filesystem::temp_directory_path() / "vcflash-bench.safetensors";
}

void count(benchmark::State& state) {
  state.SetBytesProcessed(state.iterations() * tensors * elements * 4);
}

/// Writing 256 MiB, flushed to the disk.
void write(benchmark::State& state) {
  auto const named = weights();
  for (auto _ : state) write_safetensors(file(), named);
  count(state);
  std::filesystem::remove(file());
}
BENCHMARK(write)->Unit(benchmark::kMillisecond)->UseRealTime();

/// Opening the file and touching nothing, which is what a view costs.
void open(benchmark::State& state) {
  write_safetensors(file(), weights());
  for (auto _ : state) benchmark::DoNotOptimize(SafetensorsFile(file()).entries().size());
  std::filesystem::remove(file());
}
BENCHMARK(open)->Unit(benchmark::kMicrosecond);

/// Copying every tensor out of it.
void read(benchmark::State& state) {
  write_safetensors(file(), weights());
  for (auto _ : state) {
    SafetensorsFile const opened(file());
    for (auto const& entry : opened.entries()) {
      benchmark::DoNotOptimize(opened.tensor(entry.name).clone());
    }
  }
  count(state);
  std::filesystem::remove(file());
}
BENCHMARK(read)->Unit(benchmark::kMillisecond)->UseRealTime();

}  // namespace
