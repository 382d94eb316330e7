#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>
#include <cstdint>
#include <string>
#include <vector>

#include <tests/media/measure.hpp>
#include <tests/support/golden.hpp>
#include <vcflash/media/image.hpp>
#include <vcflash/media/resize.hpp>

using namespace vcflash;
using namespace vcflash::media;
using Catch::Matchers::ContainsSubstring;

namespace {

Image pattern(int height, int width) {
  Image image{height, width, {}};
  std::uint32_t state = 1;
  for (int i = 0; i < height * width * 3; ++i) {
    state = state * 1664525 + 1013904223;
    image.rgb.push_back(std::uint8_t(state >> 24));
  }
  return image;
}

}  // namespace

TEST_CASE("resizing is Pillow's bicubic bit for bit", "[golden]") {
  int compared = 0;
  auto const golden = test::golden_json("data/pixels.json");
  for (auto const& row : golden.at("rows")) {
    std::string const file = row.at("file");
    if (!file.ends_with(".png") || row.contains("error")) continue;
    auto const& expected = row.at("preprocess_224");
    if (!expected.contains("u8_file")) continue;
    CAPTURE(file);
    Image const image = read_image(test::golden_file("data/pixels/" + file));
    std::string const stored = expected.at("u8_file");
    Image const pillow = read_image(test::golden_file("data/pixels/" + stored));
    CHECK((resize_bicubic(image, pillow.height, pillow.width).rgb == pillow.rgb));
    ++compared;
  }
  CHECK(compared > 0);
}

TEST_CASE("a picture of its own size is left as it is", "[unit]") {
  Image const image = pattern(7, 5);
  CHECK((resize_bicubic(image, 7, 5).rgb == image.rgb));
}

TEST_CASE("one side alone can be resized", "[unit]") {
  Image const image = pattern(9, 6);
  Image const wide = resize_bicubic(image, 9, 13);
  CHECK(wide.rgb.size() == 9 * 13 * 3);
  Image const both = resize_bicubic(image, 4, 13);
  CHECK((resize_bicubic(wide, 4, 13).rgb == both.rgb));
}

TEST_CASE("one colour stays that colour at any size", "[unit]") {
  Image image{3, 4, std::vector<std::uint8_t>(36, 200)};
  for (int const side : {1, 2, 3, 17, 100}) {
    for (auto const byte : resize_bicubic(image, side, 2 * side).rgb) REQUIRE(byte == 200);
  }
}

TEST_CASE("a clip's frames are resized as single pictures are", "[unit]") {
  Image const one = pattern(10, 8), other = pattern(10, 8);
  Frames frames{2, 10, 8, one.rgb};
  frames.rgb.insert(frames.rgb.end(), other.rgb.begin(), other.rgb.end());
  Frames const small = resize_bicubic(frames, 4, 4);
  CHECK(small.count == 2);
  CHECK(std::ranges::equal(small.frame(0), resize_bicubic(one, 4, 4).rgb));
  CHECK(std::ranges::equal(small.frame(1), resize_bicubic(other, 4, 4).rgb));
}

TEST_CASE("rows may lie farther apart than their pixels", "[unit]") {
  Image const image = pattern(6, 5);
  std::vector<std::uint8_t> padded;
  for (int y = 0; y < 6; ++y) {
    padded.insert(padded.end(), image.rgb.begin() + y * 15, image.rgb.begin() + (y + 1) * 15);
    padded.resize(std::size_t(y + 1) * 64, 99);
  }
  std::vector<std::uint8_t> out(3 * 3 * 3);
  BicubicResizer(6, 5, 3, 3)(padded.data(), 64, out.data());
  CHECK(out == resize_bicubic(image, 3, 3).rgb);
}

TEST_CASE("a picture without pixels is not resized", "[unit]") {
  CHECK_THROWS_WITH(resize_bicubic(Image{}, 4, 4), ContainsSubstring("0 pixels"));
  CHECK_THROWS_WITH(resize_bicubic(pattern(2, 2), -1, 4), ContainsSubstring("-1 pixels"));
}
