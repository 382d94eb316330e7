#include <catch2/catch_test_macros.hpp>
#include <cstdint>
#include <cstdlib>
#include <numeric>
#include <utility>
#include <vector>

#include <vcflash/media/resize_axis.hpp>

using namespace vcflash::media::detail;

TEST_CASE("the weights of every output sum to one, but for rounding", "[unit]") {
  for (auto const& [in, out] : {std::pair{10, 3}, {3, 10}, {640, 224}, {1, 5}, {5, 1}}) {
    CAPTURE(in, out);
    AxisWeights const axis(in, out);
    for (int i = 0; i < out; ++i) {
      auto const begin = axis.weights.begin() + std::ptrdiff_t(axis.at(i));
      std::int64_t const sum = std::accumulate(begin, begin + axis.stride, std::int64_t{0});
      CHECK(std::abs(sum - (1 << weight_bits)) <= axis.stride);
      CHECK(axis.taps[std::size_t(i)].first >= 0);
      CHECK(axis.taps[std::size_t(i)].first + axis.taps[std::size_t(i)].count <= in);
      CHECK(axis.taps[std::size_t(i)].count <= axis.stride);
    }
  }
}

TEST_CASE("a weight's two halves are the weight", "[unit]") {
  AxisWeights const axis(333, 100);
  for (std::size_t w = 0; w < axis.weights.size(); ++w) {
    CHECK(axis.high[w] * (1 << split_bits) + axis.low[w] == axis.weights[w]);
    CHECK(axis.low[w] >= 0);
  }
}

TEST_CASE("the cubic is one at its middle and nothing from two on", "[unit]") {
  CHECK(cubic(0) == 1);
  CHECK(cubic(1) == 0);
  CHECK(cubic(-1.5) == cubic(1.5));
  CHECK(cubic(1.5) < 0);
  CHECK(cubic(2) == 0);
  CHECK(cubic(7) == 0);
}

TEST_CASE("sums are rounded to bytes and held within them", "[unit]") {
  CHECK(to_pixel(half - 1) == 0);
  CHECK(to_pixel(half * 2) == 1);
  CHECK(to_pixel(-5 * half) == 0);
  CHECK(to_pixel(300 * 2 * half) == 255);
}

TEST_CASE("columns from a byte on leave the bytes before as they are", "[unit]") {
  AxisWeights const axis(4, 2);
  std::vector<std::uint8_t> const in(4 * 6, 50);
  std::vector<std::uint8_t> out(2 * 6, 9);
  resize_columns(axis, in.data(), 6, 4, 6, out.data());
  CHECK(out == std::vector<std::uint8_t>{9, 9, 9, 9, 50, 50, 9, 9, 9, 9, 50, 50});
}
