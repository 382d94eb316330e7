#include <catch2/catch_test_macros.hpp>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <vector>

#include <vcflash/media/convert.hpp>

using namespace vcflash;
using namespace vcflash::media;

namespace {

/// A picture of one colour.
Picture flat(AVPixelFormat format, int height, int width, std::vector<int> const& planes) {
  Picture picture = make_picture();
  picture->format = format;
  picture->height = height;
  picture->width = width;
  REQUIRE(av_frame_get_buffer(picture.get(), 0) >= 0);
  for (std::size_t p = 0; p < planes.size(); ++p) {
    auto const rows = std::size_t(p == 0 ? height : (height + 1) / 2);
    std::fill_n(picture->data[p], rows * std::size_t(picture->linesize[p]),
                std::uint8_t(planes[p]));
  }
  return picture;
}

std::vector<int> first_pixel(RgbView const& rgb) { return {rgb.data[0], rgb.data[1], rgb.data[2]}; }

/// A 2 x 3 picture whose pixels are numbered, red by red.
std::vector<std::uint8_t> const numbered{0, 0, 0, 1, 0, 0, 2, 0, 0, 3, 0, 0, 4, 0, 0, 5, 0, 0};

std::vector<int> reds(RgbView const& view) {
  std::vector<int> values;
  for (int y = 0; y < view.height; ++y) {
    for (int x = 0; x < view.width; ++x) {
      values.push_back(view.data[std::size_t(y) * view.stride + std::size_t(x) * 3]);
    }
  }
  return values;
}

}  // namespace

TEST_CASE("limited and full range are told apart", "[unit]") {
  RgbConverter convert;
  Picture limited = flat(AV_PIX_FMT_YUV420P, 16, 16, {235, 128, 128});
  CHECK(first_pixel(convert(*limited, 16, 16)) == std::vector{255, 255, 255});
  Picture full = flat(AV_PIX_FMT_YUV420P, 16, 16, {235, 128, 128});
  full->color_range = AVCOL_RANGE_JPEG;
  CHECK(first_pixel(convert(*full, 16, 16)) == std::vector{235, 235, 235});
}

TEST_CASE("a colour matrix that is none is the usual one", "[unit]") {
  RgbConverter convert;
  Picture untagged = flat(AV_PIX_FMT_YUV420P, 16, 16, {81, 90, 240});
  auto const expected = first_pixel(convert(*untagged, 16, 16));
  Picture broken = flat(AV_PIX_FMT_YUV420P, 16, 16, {81, 90, 240});
  int const none = 215;  // as a broken file's header may say
  std::memcpy(&broken->colorspace, &none, sizeof none);
  std::memcpy(&broken->color_range, &none, sizeof none);
  CHECK(first_pixel(convert(*broken, 16, 16)) == expected);
}

TEST_CASE("the colour matrix that a picture names is used", "[unit]") {
  RgbConverter convert;
  Picture untagged = flat(AV_PIX_FMT_YUV420P, 16, 16, {81, 90, 240});
  CHECK(first_pixel(convert(*untagged, 16, 16))[1] <= 1);  // red by BT.601
  Picture tagged = flat(AV_PIX_FMT_YUV420P, 16, 16, {63, 102, 240});
  tagged->colorspace = AVCOL_SPC_BT709;
  auto const red = first_pixel(convert(*tagged, 16, 16));
  CHECK(std::abs(red[0] - 255) <= 2);
  CHECK(red[1] <= 2);
  CHECK(red[2] <= 2);
}

TEST_CASE("a picture of another size is scaled to the stream's", "[unit]") {
  RgbConverter convert;
  RgbView const rgb = convert(*flat(AV_PIX_FMT_YUV420P, 32, 16, {128, 128, 128}), 16, 8);
  CHECK(rgb.height == 16);
  CHECK(rgb.width == 8);
  CHECK(rgb.stride >= 24);
}

TEST_CASE("pictures turn clockwise", "[unit]") {
  RgbView const view{numbered.data(), 9, 2, 3};
  Turner none(0), quarter(90), half(180), back(270);
  CHECK(none(view).data == view.data);
  CHECK(reds(quarter(view)) == std::vector{3, 0, 4, 1, 5, 2});
  CHECK(quarter.turned(2, 3) == std::pair{3, 2});
  CHECK(reds(half(view)) == std::vector{5, 4, 3, 2, 1, 0});
  CHECK(half.turned(2, 3) == std::pair{2, 3});
  CHECK(reds(back(view)) == std::vector{2, 5, 1, 4, 0, 3});
}

TEST_CASE("a quarter turn and its return leave a picture as it was", "[unit]") {
  RgbView const view{numbered.data(), 9, 2, 3};
  Turner quarter(90), back(270);
  CHECK(reds(back(quarter(view))) == reds(view));
}
