#include <catch2/catch_test_macros.hpp>
#include <cstdint>
#include <vector>

#include <vcflash/media/resize_avx2.hpp>

using namespace vcflash::media::detail;

namespace {

std::vector<std::uint8_t> noise(std::size_t bytes) {
  std::vector<std::uint8_t> values(bytes);
  std::uint32_t state = 5;
  for (auto& value : values) {
    state = state * 1664525 + 1013904223;
    // black, white and everything between: sums beyond 0 and 255 too
    value = state >> 31 ? std::uint8_t(state >> 20) : std::uint8_t((state >> 30 & 1) * 255);
  }
  return values;
}

}  // namespace

TEST_CASE("rows on AVX2 are those of the portable pass", "[unit]") {
  if (!has_avx2()) SKIP("this machine has no AVX2");
  for (int const rows : {1, 2, 3, 8}) {
    for (int const in : {1, 4, 5, 6, 7, 31, 640}) {
      for (int const out : {1, 2, 5, 16, 224}) {
        CAPTURE(rows, in, out);
        AxisWeights const axis(in, out);
        auto const pixels = noise(std::size_t(rows) * std::size_t(in) * 3);
        std::vector<std::uint8_t> plain(std::size_t(rows) * std::size_t(out) * 3), fast(plain);
        resize_rows(axis, pixels.data(), std::size_t(in) * 3, rows, plain.data());
        resize_rows_avx2(axis, pixels.data(), std::size_t(in) * 3, rows, fast.data());
        CHECK((plain == fast));
      }
    }
  }
}

TEST_CASE("columns on AVX2 are those of the portable pass", "[unit]") {
  if (!has_avx2()) SKIP("this machine has no AVX2");
  for (std::size_t const bytes : {3, 15, 16, 33, 672}) {
    for (int const in : {1, 2, 9, 360}) {
      for (int const out : {1, 3, 32, 448}) {
        CAPTURE(bytes, in, out);
        AxisWeights const axis(in, out);
        auto const pixels = noise(std::size_t(in) * bytes);
        std::vector<std::uint8_t> plain(std::size_t(out) * bytes), fast(plain);
        resize_columns(axis, pixels.data(), bytes, 0, bytes, plain.data());
        resize_columns_avx2(axis, pixels.data(), bytes, bytes, fast.data());
        CHECK((plain == fast));
      }
    }
  }
}
