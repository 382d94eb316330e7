#include <benchmark/benchmark.h>

#include <cstddef>
#include <cstdint>
#include <vector>

#include <vcflash/media/frames.hpp>
#include <vcflash/media/normalize.hpp>
#include <vcflash/media/preprocess.hpp>

using namespace vcflash::media;

namespace {

/// A 720p frame as an encoder takes it: resized to a square, normalized, channels first.
void frame_to_tensor(benchmark::State& state) {
  auto const side = static_cast<int>(state.range(0));
  Image frame{720, 1280, {}};
  std::uint32_t noise = 1;
  for (std::size_t b = 0; b < std::size_t{720} * 1280 * 3; ++b) {
    noise = noise * 1664525 + 1013904223;
    frame.rgb.push_back(static_cast<std::uint8_t>(noise >> 24));
  }
  NormalizeTable const normalize(imagenet_statistics);
  BicubicResizer resize(frame.height, frame.width, side, side);
  std::size_t const values = static_cast<std::size_t>(side) * static_cast<std::size_t>(side) * 3;
  std::vector<std::uint8_t> small(values);
  std::vector<float> tensor(values);
  for (auto _ : state) {
    resize(frame.rgb.data(), static_cast<std::size_t>(frame.width) * 3, small.data());
    normalize(small, tensor);
    benchmark::ClobberMemory();
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(frame_to_tensor)->Arg(224)->Arg(448)->Unit(benchmark::kMicrosecond);

}  // namespace
