#include <vcflash/encoders/clip.hpp>
#include <vcflash/tensor/initialize.hpp>

#include <ATen/ops/rand.h>

#include "tests/support/golden_image_encoder.hpp"

using namespace vcflash;
using namespace vcflash::test;

namespace {

constexpr ClipConfig golden_clip(std::int64_t take_layer, bool keeps_class_token) {
  return {.name = "golden CLIP",
          .resolution = 56,
          .width = 48,
          .depth = 4,
          .heads = 3,
          .intermediate = 96,
          .take_layer = take_layer,
          .keeps_class_token = keeps_class_token};
}

}  // namespace

TEST_CASE("CLIP gives transformers' states of every layer and gradients", "[golden]") {
  compare_image_encoder<Clip<golden_clip(-1, true)>, Clip<golden_clip(-2, true)>>("clip", false);
}

TEST_CASE("CLIP L at 336 pixels has the published keys", "[golden]") {
  check_published_image_encoder<Clip_L_336>("clip-l-14-336", 24);
}

TEST_CASE("CLIP's class token is left out or is one more in a row", "[unit]") {
  STATIC_CHECK(Clip<golden_clip(-2, false)>::image == View{true, 1, 4, 4});
  STATIC_CHECK(Clip<golden_clip(-2, true)>::clip == View{false, 1, 1, 17});
  STATIC_CHECK(VisionEncoder<Clip<golden_clip(-2, true)>>);
  Clip<golden_clip(-2, true)> with;
  initialize(with, {.weight = 0.1, .embedding = 0.1}, 1);
  Clip<golden_clip(-2, false)> without;
  initialize(without, {.weight = 0.1, .embedding = 0.1}, 1);
  at::Tensor const pixels = at::rand({2, 1, 3, 56, 56});
  CHECK(with(pixels, with.image).slice(1, 1).equal(without(pixels, without.image)));
}

TEST_CASE("CLIP's name is the released one", "[unit]") {
  CHECK(Clip_L_336::upstream_name() == "openai/clip-vit-large-patch14-336");
}
