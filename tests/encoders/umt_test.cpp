#include <vcflash/encoders/umt.hpp>
#include <vcflash/tensor/initialise.hpp>

#include <ATen/ops/rand.h>

#include "tests/support/golden_models.hpp"

using namespace vcflash;
using namespace vcflash::test;

namespace {

template <class Encoder>
void compare_with_golden(std::string const& name) {
  Golden golden(name);
  Encoder encoder;
  load_golden_weights(encoder, golden.with_prefix("w."));
  auto const& inputs = golden.json().at("inputs");
  auto const definition = golden.json().at("grad_definition").get<std::string>();

  at::Tensor const video = encoder(formula(inputs.at("video").get<std::string>()));
  golden.check("out.video", video, within(2e-5));
  (video * formula(definition, video.sizes().vec())).sum().backward();
  check_gradients(golden, "grad.", encoder, within_relative_l2(1e-4));

  clear_gradients(encoder);
  at::Tensor const image = encoder(formula(inputs.at("image").get<std::string>()));
  golden.check("out.image", image, within(2e-5));
  (image * formula(definition, image.sizes().vec())).sum().backward();
  auto const& image_gradients = golden.json().at("grad_image_l2");
  std::size_t compared = 0;
  for_each_parameter(encoder, [&](std::string const& key, auto const& parameter) {
    CAPTURE(key);
    check_checksum(image_gradients.at(key), parameter.value.grad(), within_relative_l2(1e-4));
    ++compared;
  });
  CHECK(compared == image_gradients.size());
  golden.require_all_checked();
}

}  // namespace

TEST_CASE("UMT at 224 pixels gives upstream's features and gradients", "[golden]") {
  compare_with_golden<GoldenUmt224>("model/umt224");
}

TEST_CASE("UMT at 448 pixels gives upstream's features and gradients", "[golden]") {
  compare_with_golden<GoldenUmt448>("model/umt448");
}

TEST_CASE("UMT's positions are upstream's at either resolution", "[golden]") {
  Golden golden("model/umt_pos_tables");
  golden.check("out.t4_224", GoldenUmt224::position_table(4), within(1e-6));
  golden.check("out.t1_224", GoldenUmt224::position_table(1), within(1e-6));
  golden.check("out.t8_224", GoldenUmt224::position_table(8), within(3e-6));
  golden.check("out.t4_448", GoldenUmt448::position_table(4), within(3e-6));
  golden.check("out.t1_448", GoldenUmt448::position_table(1), within(3e-6));
  golden.check("out.d1024_t4_224", Umt<Res224>::position_table(4), within(1e-6));
  golden.check("out.d1024_t4_448", Umt<Res448>::position_table(4), within(3e-6));
  golden.check("out.d1024_t1_448", Umt<Res448>::position_table(1), within(3e-6));
  golden.require_all_checked();
}

TEST_CASE("UMT refuses a clip of another length by name", "[unit]") {
  GoldenUmt224 encoder;
  initialise(encoder, {}, 1);
  try {
    encoder(at::rand({1, 3, 3, 224, 224}));
    FAIL("a clip of three frames was taken");
  } catch (Error const& error) {
    CHECK(std::string(error.what()) ==
          "golden UMT takes clips of 4 frames or single images, not 3 frames");
  }
}
