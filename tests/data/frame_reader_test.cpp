#include <vcflash/data/frame_reader.hpp>

#include <cstdint>
#include <filesystem>
#include <set>
#include <string>
#include <vector>

#include <catch2/catch_test_macros.hpp>

#include <vcflash/base/error.hpp>
#include <vcflash/media/encode.hpp>

#include "tests/support/folder.hpp"

using namespace vcflash;
using namespace vcflash::data;
using namespace std::chrono_literals;

namespace {

/// A clip at 2 frames a second whose frames are even grey, brighter from frame to frame.
std::filesystem::path grey_clip(test::TemporaryFolder const& folder, int frames) {
  media::Frames clip{frames, 32, 32, {}};
  for (int i = 0; i < frames; ++i)
    clip.rgb.insert(clip.rgb.end(), clip.frame_bytes(), static_cast<std::uint8_t>(20 + 10 * i));
  auto const path = folder / "clip.mp4";
  media::write_video(path, clip, {.fps = 2});
  return path;
}

/// Which frames of the grey clip these are.
std::vector<int> numbers(media::Frames const& frames) {
  std::vector<int> out;
  for (int i = 0; i < frames.count; ++i) out.push_back((frames.frame(i)[0] - 20 + 5) / 10);
  return out;
}

media::FrameRequest one_a_second() {
  return {.sampling = FrameSampling::dynamic_fps1, .min_frames = 1, .max_frames = 16};
}

}  // namespace

TEST_CASE("frames come the same with a cache and without", "[unit]") {
  test::TemporaryFolder folder;
  auto const path = grey_clip(folder, 16);
  FrameReader cached(16, 1 << 20, 10s), plain(16, 0, 10s);
  auto const expected = plain(path, one_a_second(), "", {});
  CHECK(numbers(*expected.frames) == std::vector<int>{0, 2, 4, 6, 8, 10, 12, 14});
  CHECK(expected.duration == 8);
  for (int again = 0; again < 2; ++again) {
    auto const chosen = cached(path, one_a_second(), "", {});
    CHECK(chosen.frames->rgb == expected.frames->rgb);
    CHECK(chosen.duration == 8);
    CHECK(chosen.frames.use_count() > 1);  // shared with the cache, not copied
  }
  CHECK(expected.frames.use_count() == 1);
  CHECK(cached.cache().used() > 0);
  CHECK(plain.cache().used() == 0);
}

TEST_CASE("jittered frames are one of each interval, the same for the same seed", "[unit]") {
  test::TemporaryFolder folder;
  auto const path = grey_clip(folder, 16);
  FrameReader cached(16, 1 << 20, 10s), plain(16, 0, 10s);
  std::set<std::vector<int>> drawn;
  for (std::uint64_t seed = 0; seed < 10; ++seed) {
    auto const chosen = cached(path, one_a_second(), "", seed);
    CHECK(chosen.frames->rgb == plain(path, one_a_second(), "", seed).frames->rgb);
    auto const frames = numbers(*chosen.frames);
    REQUIRE(frames.size() == 8);
    for (int i = 0; i < 8; ++i) CHECK(frames[static_cast<std::size_t>(i)] / 2 == i);
    drawn.insert(frames);
  }
  CHECK(drawn.size() > 5);
}

TEST_CASE("a long video and a row's own clip are read without keeping the whole", "[unit]") {
  test::TemporaryFolder folder;
  auto const path = grey_clip(folder, 23);
  FrameReader read(16, 1 << 20, 10s);
  auto request = one_a_second();
  request.start = 2, request.end = 6;
  CHECK(read(path, request, "", 3).frames->rgb == read(path, request, "decord", {}).frames->rgb);

  media::Frames longer{100, 16, 16, std::vector<std::uint8_t>(100 * 16 * 16 * 3, 90)};
  media::write_video(folder / "long.mp4", longer, {.fps = 10});
  auto const used = read.cache().used();
  CHECK(read(folder / "long.mp4", one_a_second(), "", 3).frames->count == 8);
  CHECK(read.cache().used() == used);
}

TEST_CASE("a video that cannot be read is named", "[unit]") {
  test::TemporaryFolder folder;
  FrameReader read(16, 1 << 20, 10s);
  auto const path = folder.write("broken.mp4", "no video");
  CHECK_THROWS_AS(read(path, one_a_second(), "", {}), InputError);
  CHECK_THROWS_AS(read(path, one_a_second(), "", 1), InputError);
}

TEST_CASE("a set says whether its videos are gifs or folders of frames", "[unit]") {
  test::TemporaryFolder folder;
  auto const path = grey_clip(folder, 16);
  FrameReader read(16, 1 << 20, 10s);
  auto const as_gif = read(path, one_a_second(), "gif", 1);
  CHECK(as_gif.duration == 16);  // one frame a second, whatever the file says
  CHECK(as_gif.frames->count == 16);
  CHECK(read(path, one_a_second(), "av", {}).frames->count == 8);
  for (int i = 0; i < 6; ++i) {
    auto const png = media::encode_png({8, 8, std::vector<std::uint8_t>(8 * 8 * 3, 100)});
    folder.write("frames/f_" + std::to_string(i) + ".png",
                 {reinterpret_cast<char const*>(png.data()), png.size()});
  }
  auto const frames = read(folder / "frames", one_a_second(), "img", 1);
  CHECK(frames.frames->count == 4);  // whole clips of four
  CHECK(frames.frames->rgb == std::vector<std::uint8_t>(4 * 16 * 16 * 3, 100));
  CHECK_THROWS_AS(read(path, one_a_second(), "fake", {}), InputError);
  CHECK_THROWS_AS(read(path, one_a_second(), "img", {}), InputError);
}
