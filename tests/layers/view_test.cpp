#include <vcflash/layers/view.hpp>

#include <catch2/catch_test_macros.hpp>

using namespace vcflash;

TEST_CASE("a view counts its patches, and a clip of one frame is no image", "[unit]") {
  constexpr View clip{false, 4, 14, 16}, frame{false, 1, 14, 16}, image{true, 1, 14, 16};
  STATIC_CHECK(clip.frame_tokens() == 224);
  STATIC_CHECK(clip.tokens() == 4 * 224);
  STATIC_CHECK_FALSE(frame == image);
}
