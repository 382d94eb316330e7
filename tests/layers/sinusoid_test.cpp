#include <vcflash/layers/sinusoid.hpp>

#include <catch2/catch_test_macros.hpp>
#include <cmath>

using namespace vcflash;

TEST_CASE("even channels are sines and odd ones cosines of falling frequency", "[unit]") {
  at::Tensor const table = sinusoid_table(10, 8);
  for (int channel = 0; channel < 8; ++channel) {
    double const angle = 7 / std::pow(10000.0, (channel / 2 * 2) / 8.0);
    double const expected = channel % 2 ? std::cos(angle) : std::sin(angle);
    CHECK(std::abs(table[7][channel].item<double>() - expected) < 1e-6);
  }
}

TEST_CASE("positions of the size they were made for are not interpolated", "[unit]") {
  CHECK(clip_positions({4, 3}, {4, 3}, 8).equal(sinusoid_table(36, 8).unsqueeze(0)));
}

TEST_CASE("positions grow in space and in time", "[unit]") {
  CHECK(clip_positions({4, 3}, {8, 6}, 8).sizes().vec() == std::vector<std::int64_t>{1, 288, 8});
}

TEST_CASE("a patch's row is its frame, its column and its row in turn", "[unit]") {
  at::Tensor const table = space_time_table(2, 3, 16);
  CHECK(table.sizes().vec() == std::vector<std::int64_t>{1, 19, 16});
  CHECK(table[0][0].abs().max().item<float>() == 0);
  // Frame 1, row 2, column 1: 4 channels of time, 6 of the column, 6 of the row.
  at::Tensor const row = table[0][1 + 9 + 2 * 3 + 1];
  auto const near = [&](std::int64_t channel, double expected) {
    CHECK(std::abs(row[channel].item<double>() - expected) < 1e-6);
  };
  near(0, std::sin(1.0));
  near(2, std::cos(1.0));
  near(4, std::sin(1.0));
  near(7, std::cos(1.0));
  near(10, std::sin(2.0));
  near(11, std::sin(2.0 / std::pow(10000.0, 1.0 / 3)));
}
