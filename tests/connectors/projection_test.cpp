#include <vcflash/connectors/identity.hpp>
#include <vcflash/connectors/linear.hpp>
#include <vcflash/connectors/mlp.hpp>
#include <vcflash/connectors/projection.hpp>
#include <vcflash/encoders/umt.hpp>
#include <vcflash/llms/qwen2.hpp>
#include <vcflash/models/video_chat.hpp>
#include <vcflash/tensor/initialize.hpp>

#include <ATen/ops/randn.h>
#include <ATen/ops/tensor.h>

#include <catch2/catch_test_macros.hpp>

using namespace vcflash;

namespace {

using Encoder = Umt<UmtConfig{.name = "small encoder",
                              .resolution = 16,
                              .patch = 8,
                              .width = 16,
                              .depth = 3,
                              .heads = 2,
                              .position_resolution = 16}>;
template <std::int64_t Width>
using Llm = Qwen2<DecoderConfig{.name = "small decoder",
                                .hidden = Width,
                                .layers = 2,
                                .heads = 2,
                                .kv_heads = 1,
                                .intermediate = 24,
                                .vocabulary = 40}>;

/// A video of two clips and an image of one tile, each patch a token.
template <class Connector, std::int64_t Width>
void run_on_video_and_image() {
  using Model = VideoChat<Encoder, Fitted<Connector, Encoder, Llm<Width>>, Llm<Width>>;
  Model model;
  initialize(model, {.weight = 0.2}, 1);
  std::vector<Sample> const samples{
      {.input_ids = at::tensor(std::vector<std::int64_t>{1, media_placeholder, 2}),
       .labels = {},
       .media = {{.modality = Modality::video, .pixels = at::randn({8, 3, 16, 16})}}},
      {.input_ids = at::tensor(std::vector<std::int64_t>{media_placeholder, 3}),
       .labels = {},
       .media = {{.modality = Modality::image,
                  .pixels = at::randn({2, 3, 16, 16}),
                  .tile_rows = 1,
                  .tile_columns = 1}}}};
  Embedded const batch = model.embed(samples);
  CHECK(batch.lengths == std::vector<std::int64_t>{2 + 8 * 4, 1 + 2 * 4});
  at::Tensor const features =
      model.encoder(samples[0].media[0].pixels.unflatten(0, {2, 4}), Encoder::clip);
  at::Tensor const tokens = model.connector(features, Encoder::clip).flatten(0, 1);
  CHECK((batch.embeddings[0].narrow(0, 1, 32) - tokens).abs().max().template item<float>() < 1e-6F);
}

}  // namespace

TEST_CASE("connectors that merge nothing run on videos and images", "[unit]") {
  run_on_video_and_image<Mlp2xGelu, 24>();
  run_on_video_and_image<LinearProjector, 24>();
  run_on_video_and_image<Identity, 16>();
}

TEST_CASE("a patchwise connector takes its widths from its neighbours", "[unit]") {
  constexpr ProjectionConfig config = between<Umt<Res448>, Qwen2_5_1_5B>("any");
  STATIC_CHECK(config.input == 1024 && config.output == 1536);
  STATIC_CHECK(PatchwiseConnector<config>::tokens(Umt<Res448>::clip) == 3136);
  STATIC_CHECK(Fitted<Identity, Umt<Res224>, Qwen2_7B>::output_width == 1024);
}
