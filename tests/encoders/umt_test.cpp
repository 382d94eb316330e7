#include <vcflash/encoders/umt.hpp>
#include <vcflash/tensor/initialize.hpp>

#include <ATen/ops/rand.h>

#include "tests/support/golden_encoder.hpp"

using namespace vcflash;
using namespace vcflash::test;

TEST_CASE("UMT at 224 pixels gives upstream's features and gradients", "[golden]") {
  compare_encoder_with_golden<GoldenUmt224>("model/umt224");
}

TEST_CASE("UMT at 448 pixels gives upstream's features and gradients", "[golden]") {
  compare_encoder_with_golden<GoldenUmt448>("model/umt448");
}

TEST_CASE("UMT's positions are upstream's at either resolution", "[golden]") {
  Golden golden("model/umt_pos_tables");
  golden.check("out.t4_224", GoldenUmt224::position_table(GoldenUmt224::clip), within(1e-6));
  golden.check("out.t1_224", GoldenUmt224::position_table(GoldenUmt224::image), within(1e-6));
  golden.check("out.t8_224", GoldenUmt224::position_table({false, 8, 14, 14}), within(3e-6));
  golden.check("out.t4_448", GoldenUmt448::position_table(GoldenUmt448::clip), within(3e-6));
  golden.check("out.t1_448", GoldenUmt448::position_table(GoldenUmt448::image), within(3e-6));
  golden.check("out.d1024_t4_224", Umt<Res224>::position_table(Umt<Res224>::clip), within(1e-6));
  golden.check("out.d1024_t4_448", Umt<Res448>::position_table(Umt<Res448>::clip), within(3e-6));
  golden.check("out.d1024_t1_448", Umt<Res448>::position_table(Umt<Res448>::image), within(3e-6));
  golden.require_all_checked();
}

TEST_CASE("UMT refuses a clip of another length by name", "[unit]") {
  GoldenUmt224 encoder;
  initialize(encoder, {}, 1);
  try {
    encoder(at::rand({1, 3, 3, 224, 224}), GoldenUmt224::clip);
    FAIL("a clip of three frames was taken");
  } catch (Error const& error) {
    CHECK(std::string(error.what()) ==
          "golden UMT takes clips of 4 frames or single images, not 3 frames");
  }
}

TEST_CASE("UMT in bf16 stays within a fiftieth of fp32", "[golden]") {
  CHECK(bf16_error<GoldenUmt224>("model/umt224") < 0.02);
}
