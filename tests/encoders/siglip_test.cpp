#include <vcflash/encoders/siglip.hpp>

#include "tests/support/golden_image_encoder.hpp"

using namespace vcflash;
using namespace vcflash::test;

namespace {

constexpr SiglipConfig golden_siglip(std::int64_t take_layer) {
  return {.name = "golden SigLIP",
          .resolution = 60,
          .width = 48,
          .depth = 4,
          .heads = 4,
          .intermediate = 100,
          .take_layer = take_layer};
}

}  // namespace

TEST_CASE("SigLIP gives transformers' states of every layer and gradients", "[golden]") {
  // Its embedded patches, of up to 53, are stored 3.6e-5 from what float64 gives.
  compare_image_encoder<Siglip<golden_siglip(-1)>, Siglip<golden_siglip(-2)>>("siglip", true, 2);
}

TEST_CASE("SigLIP so400m at 384 pixels has the published keys", "[golden]") {
  check_published_image_encoder<Siglip_So400m_384>("siglip-so400m-14-384", 27);
}

TEST_CASE("patches that do not divide the pixels leave a rest out", "[unit]") {
  STATIC_CHECK(Siglip_So400m_384::image == View{true, 1, 27, 27});
  STATIC_CHECK(Siglip_So400m_384::clip == View{false, 1, 27, 27});
  STATIC_CHECK(Siglip<golden_siglip(-2)>::image.tokens() == 16);
}

TEST_CASE("SigLIP's name is the one that upstream looks for", "[unit]") {
  CHECK(Siglip_So400m_384::upstream_name() == "google/siglip-so400m-patch14-384");
}
