#include <vcflash/encoders/internvideo2.hpp>
#include <vcflash/tensor/initialize.hpp>

#include <ATen/ops/rand.h>
#include <ATen/ops/zeros.h>

#include <vector>

#include "tests/support/golden_encoder.hpp"
#include "tests/support/golden_internvideo2.hpp"
#include "tests/support/golden_manifest.hpp"

using namespace vcflash;
using namespace vcflash::test;

TEST_CASE("InternVideo2 gives upstream's features and gradients", "[golden]") {
  compare_encoder_with_golden<GoldenInternVideo2>("model/internvideo2");
}

TEST_CASE("InternVideo2's positions start as upstream's", "[golden]") {
  Golden golden("model/internvideo2_pos_init");
  GoldenInternVideo2 encoder;
  initialize(encoder, {}, 1);
  golden.check("out.pos_embed", encoder.vision_tower.pos_embed.value, within(3e-6));
  golden.check("out.img_pos_embed", encoder.vision_tower.img_pos_embed.value, within(3e-6));
  golden.check("out.d1408_pos_embed",
               InternVideo2_1B::Transformer::ClipPositions::initial().squeeze(0), within(3e-6));
  golden.require_all_checked();
}

TEST_CASE("InternVideo2's other parameters start as upstream's", "[unit]") {
  GoldenInternVideo2 encoder;
  initialize(encoder, {}, 1);
  CHECK(encoder.vision_tower.cls_token.value.abs().max().item<float>() == 0);
  CHECK(encoder.vision_tower.blocks[2].ls2.weight.value.eq(1e-5F).all().item<bool>());
  CHECK(encoder.vision_tower.blocks[0].attn.q_norm.weight.value.eq(1).all().item<bool>());
}

TEST_CASE("a branch that a training leaves out adds nothing, and rates rise by layer", "[unit]") {
  struct LeavesOut : RunDirectly {
    mutable std::vector<double> rates;
    Tensor kept(std::int64_t sequences, double rate) const {
      rates.push_back(rate);
      return at::zeros({sequences, 1, 1});
    }
  };
  GoldenInternVideo2 encoder;
  initialize(encoder, {.weight = 0.2}, 1);
  at::Tensor const pixels = at::rand({2, 1, 3, 224, 224});
  LeavesOut const run;
  at::Tensor const features = encoder(pixels, GoldenInternVideo2::image, run);
  CHECK(run.rates == std::vector{0.0, 0.0, 0.125, 0.125, 0.25, 0.25});
  auto const& tower = encoder.vision_tower;
  CHECK(features.equal(tower.patch_embed(pixels) + tower.img_pos_embed.value.slice(1, 1)));
}

TEST_CASE("InternVideo2-1B has the keys of the published encoder", "[golden]") {
  auto published = published_keys("videochat-flash-qwen2_5-7b_internvideo2-1b");
  std::string const prefix = "model.vision_tower.";
  std::erase_if(published, [&](auto const& entry) { return !entry.first.starts_with(prefix); });
  std::map<std::string, std::string> ours;
  for (auto const& [key, shape] : compiled_keys<InternVideo2_1B>()) ours[prefix + key] = shape;
  CHECK(ours == published);
}

TEST_CASE("InternVideo2 refuses a clip of another length by name", "[unit]") {
  GoldenInternVideo2 encoder;
  initialize(encoder, {}, 1);
  try {
    encoder(at::rand({1, 2, 3, 224, 224}), GoldenInternVideo2::clip);
    FAIL("a clip of two frames was taken");
  } catch (Error const& error) {
    CHECK(std::string(error.what()) ==
          "golden InternVideo2 takes clips of 4 frames or single images, not 2 frames");
  }
}

TEST_CASE("InternVideo2 in bf16 stays within a fiftieth of fp32", "[golden]") {
  CHECK(bf16_error<GoldenInternVideo2>("model/internvideo2") < 0.02);
}
