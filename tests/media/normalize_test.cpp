#include <bit>
#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>
#include <cstdint>
#include <cstdio>
#include <string>
#include <vector>

#include <tests/support/golden.hpp>
#include <vcflash/media/normalize.hpp>

using namespace vcflash;
using namespace vcflash::media;
using Catch::Matchers::ContainsSubstring;

TEST_CASE("every byte is normalized to the reference's bits", "[golden]") {
  auto const recorded = test::golden_json("data/anyres.json").at("meta");
  NormalizeTable const table(imagenet_statistics);
  for (std::size_t c = 0; c < 3; ++c) {
    auto const& channel = recorded.at("normalise_lut_float32_hex").at(std::to_string(c));
    REQUIRE(channel.size() == 256);
    for (std::size_t byte = 0; byte < 256; ++byte) {
      char bits[16];
      std::snprintf(bits, sizeof bits, "%08x",
                    std::bit_cast<std::uint32_t>(table(c, std::uint8_t(byte))));
      CHECK(channel[byte] == bits);
    }
  }
}

TEST_CASE("interleaved bytes become planes", "[unit]") {
  std::vector<std::uint8_t> const hwc{0, 51, 102, 153, 204, 255};
  std::vector<float> chw(6);
  normalize(hwc, {0, 0, 0}, {1, 1, 1}, chw);
  CHECK(chw == std::vector<float>{0.0F, 0.6F, 0.2F, 0.8F, 0.4F, 1.0F});
}

TEST_CASE("statistics are given in units of 0 to 1", "[unit]") {
  NormalizeTable const table(
      {{45.0F / 255, 45.0F / 255, 45.0F / 255}, {60.0F / 255, 60.0F / 255, 60.0F / 255}});
  CHECK(std::abs(table(0, 45)) < 1e-6F);
  CHECK(std::abs(table(1, 105) - 1.0F) < 1e-6F);
}

TEST_CASE("the frames of a clip follow each other", "[unit]") {
  Frames const frames{2, 1, 1, {1, 2, 3, 4, 5, 6}};
  std::vector<float> numbers(6);
  NormalizeTable({{0, 0, 0}, {1.0F / 255, 1.0F / 255, 1.0F / 255}})(frames, numbers);
  for (std::size_t i = 0; i < 6; ++i) CHECK(std::abs(numbers[i] - float(i + 1)) < 1e-4F);
}

TEST_CASE("a deviation of zero and a wrong size are refused", "[unit]") {
  CHECK_THROWS_WITH(NormalizeTable({{0, 0, 0}, {1, 0, 1}}), ContainsSubstring("channel 1 is 0"));
  std::vector<float> small(3);
  std::vector<std::uint8_t> const pixels(6);
  CHECK_THROWS_AS(NormalizeTable(imagenet_statistics)(pixels, small), Error);
}
