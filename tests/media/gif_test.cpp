#include <catch2/catch_test_macros.hpp>
#include <cstdint>
#include <string>
#include <vector>

#include <tests/media/make_gif.hpp>
#include <tests/support/folder.hpp>
#include <vcflash/media/gif.hpp>
#include <vcflash/media/image.hpp>
#include <vcflash/media/video.hpp>

using namespace vcflash;
using namespace vcflash::media;

namespace {

using GifBytes = std::vector<std::uint8_t>;

}  // namespace

TEST_CASE("what is transparent in a GIF has its palette's colour, as Pillow gives it", "[unit]") {
  test::TemporaryFolder const folder;
  auto const gif = test::make_gif({10, 20, 30}, {200, 0, 0}, 0, 3);
  CHECK(detail::transparent_colour(gif) == 0x0A141EU);
  Image const image = decode_image(gif, "a.gif");
  CHECK(image.width == 4);
  CHECK(image.height == 4);
  CHECK(GifBytes(image.rgb.begin(), image.rgb.begin() + 6) == GifBytes{10, 20, 30, 200, 0, 0});
  folder.write("a.gif", {reinterpret_cast<char const*>(gif.data()), gif.size()});
  FrameRequest request;
  request.max_frames = 3;
  request.reader = VideoReader::gif;
  Video const video = read_video(folder / "a.gif", request);
  REQUIRE(video.frames.count == 3);
  for (int i = 0; i < 3; ++i) {
    auto const frame = video.frames.frame(i);
    CHECK(GifBytes(frame.begin(), frame.begin() + 6) == GifBytes{10, 20, 30, 200, 0, 0});
  }
  CHECK_FALSE(detail::transparent_colour(test::make_gif({10, 20, 30}, {200, 0, 0}, -1, 1)));
}

TEST_CASE("a GIF is a picture whatever its name says", "[unit]") {
  test::TemporaryFolder const folder;
  auto const gif = test::make_gif({10, 20, 30}, {200, 0, 0}, -1, 2);
  auto const path =
      folder.write("page.jpg", {reinterpret_cast<char const*>(gif.data()), gif.size()});
  CHECK(read_image(path).rgb.size() == 48);
}

TEST_CASE("a GIF that ends anywhere names a colour or none", "[unit]") {
  auto const gif = test::make_gif({10, 20, 30}, {200, 0, 0}, 1, 1);
  for (std::size_t size = 0; size < gif.size(); ++size) {
    auto const colour = detail::transparent_colour({gif.data(), size});
    CHECK((!colour || *colour == 0xC80000U));
  }
}
