#include <benchmark/benchmark.h>

#include <cstdlib>
#include <string>
#include <vector>

#include <tests/support/folder.hpp>
#include <vcflash/base/process_memory.hpp>
#include <vcflash/data/sample_maker.hpp>
#include <vcflash/text/tokenizer_builder.hpp>

#include "bench/support/timing.hpp"

namespace {

using namespace vcflash;

/// A training sample of 512 frames at 448 pixels of the file that VCFLASH_BENCH_VIDEO names.
/// `over_the_tensor_MiB` is what memory grew by at its highest, without the tensor.
void video_sample(benchmark::State& state) {
  char const* const path = std::getenv("VCFLASH_BENCH_VIDEO");
  if (path == nullptr) return state.SkipWithError("VCFLASH_BENCH_VIDEO names no file");
  test::TemporaryFolder const folder;
  std::vector<std::string> const words{"what", "user", "assistant"};
  data::SampleConfig config;
  config.sampling = FrameSampling::middle;
  config.max_frames = 512;
  config.image_size = 448;
  data::SampleMaker make(config, text::write_word_tokenizer(folder / "tokenizer", words));
  data::Row row;
  row.modality = Modality::video;
  row.media = {path};
  row.turns = {{text::Turn::From::human, "<image>\nwhat"}, {text::Turn::From::gpt, "what"}};
  bench::forget_peak_memory();
  auto const before = resident_memory_mib();
  double tensor = 0;
  for (auto _ : state) tensor = static_cast<double>(make(row, 1).media[0].pixels.nbytes());
  state.counters["over_the_tensor_MiB"] =
      static_cast<double>(peak_memory_mib() - before) - tensor / (1 << 20);
}
BENCHMARK(video_sample)->Unit(benchmark::kMillisecond)->UseRealTime()->Iterations(1);

}  // namespace
