#include <catch2/catch_test_macros.hpp>

#include <vcflash/media/frames.hpp>

TEST_CASE("a frame is a window into the clip's block", "[unit]") {
  vcflash::media::Frames frames{3, 2, 4, {}};
  frames.rgb.resize(3 * frames.frame_bytes());
  CHECK(frames.frame_bytes() == 2 * 4 * 3);
  frames.frame(1)[0] = 7;
  CHECK(frames.rgb[24] == 7);
  auto const& constant = frames;
  CHECK(constant.frame(1)[0] == 7);
  CHECK(constant.frame(2).data() + constant.frame(2).size() ==
        frames.rgb.data() + frames.rgb.size());
}

TEST_CASE("reversed frames are the same frames, last first", "[unit]") {
  vcflash::media::Frames const frames{3, 1, 1, {1, 2, 3, 4, 5, 6, 7, 8, 9}};
  auto const turned = vcflash::media::reversed(frames);
  CHECK(turned.rgb == std::vector<std::uint8_t>{7, 8, 9, 4, 5, 6, 1, 2, 3});
  CHECK(vcflash::media::reversed(turned).rgb == frames.rgb);
}
