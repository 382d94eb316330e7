#include <benchmark/benchmark.h>

#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <string>

#include <tests/support/folder.hpp>
#include <vcflash/base/process_memory.hpp>
#include <vcflash/data/annotation.hpp>
#include <vcflash/data/index_cache.hpp>

#include "bench/support/timing.hpp"

/// Opening annotations: the file that VCFLASH_BENCH_ANNOTATIONS names, or 100,000 rows made here.
/// `peak_MiB` is what the resident memory grew by at its highest. bench/peers/run has
/// it beside Python's json.
namespace {

using namespace vcflash;
namespace fs = std::filesystem;

/// About as long as a row of a published video set.
std::string made_rows(int count) {
  std::string text = "[";
  for (int i = 0; i < count; ++i) {
    text += i == 0 ? "" : ", ";
    text += R"({"id": ")" + std::to_string(i) + R"(", "video": "clips/)" + std::to_string(i % 977) +
            R"(.mp4", "data_source": "made", "conversations": [{"from": "human", "value": )"
            R"("<image>\nPlease describe what happens in this video, step by step."}, )"
            R"({"from": "gpt", "value": "A person walks in from the left, puts a \"red\" box on )"
            R"(the table, looks around for a while and leaves again. The camera does not move )"
            R"(until the door is closed; then it follows the light on the floor."}]})";
  }
  return text + "]";
}

fs::path const& annotations() {
  static test::TemporaryFolder const folder;
  static fs::path const path = [] {
    char const* const given = std::getenv("VCFLASH_BENCH_ANNOTATIONS");
    return given != nullptr ? fs::path(given) : folder.write("rows.json", made_rows(100'000));
  }();
  return path;
}

void remove_caches() {
  for (auto const& place : data::detail::cache_places(annotations())) fs::remove(place);
}

void opening(benchmark::State& state, bool first) {
  if (!first) data::AnnotationFile const once(annotations());
  bench::forget_peak_memory();
  auto const before = resident_memory_mib();
  for (auto _ : state) {
    if (first) {
      state.PauseTiming();
      remove_caches();
      state.ResumeTiming();
    }
    data::AnnotationFile const file(annotations());
    if (file.from_cache() == first)
      state.SkipWithError("the index did not come from where it must");
    state.counters["rows"] = static_cast<double>(file.size());
  }
  state.counters["peak_MiB"] = static_cast<double>(peak_memory_mib() - before);
  state.SetBytesProcessed(state.iterations() *
                          static_cast<std::int64_t>(fs::file_size(annotations())));
  remove_caches();
}
BENCHMARK_CAPTURE(opening, first, true)->Unit(benchmark::kMillisecond)->UseRealTime();
BENCHMARK_CAPTURE(opening, again, false)->Unit(benchmark::kMillisecond)->UseRealTime();

void row(benchmark::State& state) {
  data::AnnotationFile const file(annotations());
  std::int64_t i = 0;
  for (auto _ : state) {
    i = (i + 7919) % file.size();
    benchmark::DoNotOptimize(file.row(i));
  }
  remove_caches();
}
BENCHMARK(row);

}  // namespace
