#include <vcflash/encoders/clip.hpp>
#include <vcflash/encoders/internvideo2.hpp>
#include <vcflash/encoders/siglip.hpp>
#include <vcflash/encoders/umt.hpp>
#include <vcflash/encoders/vision_encoder.hpp>
#include <vcflash/llms/qwen2.hpp>

#include <catch2/catch_test_macros.hpp>

using namespace vcflash;

TEST_CASE("what is and what is not a vision encoder", "[unit]") {
  STATIC_CHECK(VisionEncoder<Umt<Res224>>);
  STATIC_CHECK(VisionEncoder<Umt<Res448>>);
  STATIC_CHECK(VisionEncoder<InternVideo2_1B>);
  STATIC_CHECK(VisionEncoder<Siglip_So400m_384>);
  STATIC_CHECK(VisionEncoder<Clip_L_336>);
  STATIC_CHECK_FALSE(VisionEncoder<Qwen2_0_5B>);
  STATIC_CHECK_FALSE(VisionEncoder<Absent>);
}
