#include <benchmark/benchmark.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include <vcflash/media/resize.hpp>

using namespace vcflash::media;
using vcflash::media::detail::AxisWeights, vcflash::media::detail::half,
    vcflash::media::detail::to_pixel;

namespace {

Image noise(int height, int width) {
  Image image{height, width, {}};
  std::uint32_t state = 1;
  for (int i = 0; i < height * width * 3; ++i) {
    state = state * 1664525 + 1013904223;
    image.rgb.push_back(std::uint8_t(state >> 24));
  }
  return image;
}

/// The plain way: the fixed-point weights applied value by value, first along rows.
Image resize_plainly(Image const& image, int height, int width) {
  auto const pass = [](std::vector<std::uint8_t> const& in, int rows, int length, int out_length,
                       std::size_t step, std::size_t row_step, std::size_t out_step,
                       std::size_t out_row_step) {
    AxisWeights const axis(length, out_length);
    std::vector<std::uint8_t> out(std::size_t(rows) * std::size_t(out_length) * 3);
    for (int r = 0; r < rows; ++r) {
      for (int o = 0; o < out_length; ++o) {
        for (std::size_t c = 0; c < 3; ++c) {
          auto const [first, count] = axis.taps[std::size_t(o)];
          std::int32_t sum = half;
          for (int k = 0; k < count; ++k) {
            sum += in[std::size_t(r) * row_step + std::size_t(first + k) * step + c] *
                   axis.weights[axis.at(o) + std::size_t(k)];
          }
          out[std::size_t(r) * out_row_step + std::size_t(o) * out_step + c] = to_pixel(sum);
        }
      }
    }
    return out;
  };
  auto const in_row = std::size_t(image.width) * 3, out_row = std::size_t(width) * 3;
  auto const narrow = pass(image.rgb, image.height, image.width, width, 3, in_row, 3, out_row);
  return {height, width, pass(narrow, width, image.height, height, out_row, 3, out_row, 3)};
}

void sizes(benchmark::internal::Benchmark* bench) {
  bench->Args({128, 128, 32})->Args({360, 640, 224})->Args({720, 1280, 224})->Args({360, 640, 448});
  bench->Unit(benchmark::kMicrosecond);
}

void resize(benchmark::State& state) {
  Image const image = noise(int(state.range(0)), int(state.range(1)));
  int const side = int(state.range(2));
  BicubicResizer resizer(image.height, image.width, side, side);
  std::vector<std::uint8_t> out(std::size_t(side) * std::size_t(side) * 3);
  for (auto _ : state) {
    resizer(image.rgb.data(), std::size_t(image.width) * 3, out.data());
    benchmark::ClobberMemory();
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(resize)->Apply(sizes);

void resize_plain(benchmark::State& state) {
  Image const image = noise(int(state.range(0)), int(state.range(1)));
  int const side = int(state.range(2));
  if (resize_plainly(image, side, side).rgb != resize_bicubic(image, side, side).rgb) {
    state.SkipWithError("the two ways differ");
  }
  for (auto _ : state) benchmark::DoNotOptimize(resize_plainly(image, side, side));
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(resize_plain)->Apply(sizes);

}  // namespace
