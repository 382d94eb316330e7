#include <malloc.h>

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include <tests/support/folder.hpp>
#include <vcflash/media/encode.hpp>
#include <vcflash/media/image.hpp>
#include <vcflash/media/video.hpp>

using namespace vcflash;
using namespace vcflash::media;
using Catch::Matchers::ContainsSubstring;

namespace {

/// A red square that moves to the right over a grey ground.
Frames moving_square(int count, int height, int width) {
  Frames frames{count, height, width, {}};
  for (int i = 0; i < count; ++i) {
    for (int y = 0; y < height; ++y) {
      for (int x = 0; x < width; ++x) {
        bool const inside = std::abs(x - 12 - 4 * i) < 8 && std::abs(y - height / 2) < 8;
        frames.rgb.push_back(inside ? 220 : 60);
        frames.rgb.push_back(inside ? 30 : 60);
        frames.rgb.push_back(inside ? 30 : 60);
      }
    }
  }
  return frames;
}

double mean_difference(std::span<std::uint8_t const> a, std::span<std::uint8_t const> b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += std::abs(a[i] - b[i]);
  return sum / double(a.size());
}

}  // namespace

TEST_CASE("a written clip is read back as it was, but for its compression", "[unit]") {
  test::TemporaryFolder const folder;
  Frames const frames = moving_square(16, 64, 96);
  write_video(folder / "clip.mp4", frames, {.fps = 8});
  FrameRequest request;
  request.max_frames = 16;
  Video const video = read_video(folder / "clip.mp4", request);
  CHECK(video.fps == 8);
  CHECK(video.duration == 2);
  REQUIRE(video.frames.count == 16);
  CHECK(video.seconds[5] == 0.625);
  for (int i = 0; i < 16; ++i) {
    CAPTURE(i);
    CHECK(mean_difference(frames.frame(i), video.frames.frame(i)) < 3);
  }
}

TEST_CASE("the same frames give the same file, whatever is in new memory", "[unit]") {
  test::TemporaryFolder const folder;
  mallopt(M_PERTURB, 85);
  write_video(folder / "one.mp4", moving_square(8, 32, 32));
  mallopt(M_PERTURB, 170);
  write_video(folder / "two.mp4", moving_square(8, 32, 32));
  mallopt(M_PERTURB, 0);
  CHECK(test::read_file(folder / "one.mp4") == test::read_file(folder / "two.mp4"));
  CHECK_FALSE(std::filesystem::exists(folder / "one.mp4.unfinished"));
}

TEST_CASE("a rate that is no whole number is kept", "[unit]") {
  test::TemporaryFolder const folder;
  write_video(folder / "clip.mp4", moving_square(6, 32, 32), {.fps = 2.5});
  CHECK(probe_video(folder / "clip.mp4").fps == 2.5);
}

TEST_CASE("a clip that cannot be written is named and leaves nothing behind", "[unit]") {
  test::TemporaryFolder const folder;
  auto const missing = folder / "none/clip.mp4";
  CHECK_THROWS_WITH(write_video(missing, moving_square(2, 32, 32)), ContainsSubstring("clip.mp4"));
  CHECK_THROWS_WITH(write_video(folder / "odd.mp4", moving_square(2, 33, 32)),
                    ContainsSubstring("32 x 33"));
  CHECK_THROWS_WITH(write_video(folder / "none.mp4", Frames{}), ContainsSubstring("needs a frame"));
  CHECK(std::filesystem::is_empty(folder.path()));
}

TEST_CASE("a full disk is reported", "[unit]") {
  if (!std::filesystem::exists("/dev/full")) SKIP("this system has no /dev/full");
  test::TemporaryFolder const folder;
  std::filesystem::create_symlink("/dev/full", folder / "clip.mp4.unfinished");
  CHECK_THROWS_AS(write_video(folder / "clip.mp4", moving_square(4, 64, 64)), Error);
  CHECK_FALSE(std::filesystem::exists(folder / "clip.mp4"));
}

TEST_CASE("a JPEG is close to what it was made of", "[unit]") {
  Frames const frames = moving_square(1, 48, 64);
  Image const image{48, 64, frames.rgb};
  auto const file = encode_jpeg(image);
  CHECK(file.size() < image.rgb.size() / 3);
  CHECK(mean_difference(image.rgb, decode_image(file, "memory").rgb) < 4);
  CHECK(encode_jpeg(image, 31).size() < encode_jpeg(image, 2).size());
}

TEST_CASE("a picture without pixels has no file", "[unit]") {
  CHECK_THROWS_AS(encode_png(Image{}), Error);
  CHECK_THROWS_AS(encode_jpeg(Image{}), Error);
}
