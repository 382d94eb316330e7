#include <vcflash/connectors/pooling.hpp>
#include <vcflash/infer/look.hpp>

#include <ATen/ops/tensor.h>

#include <algorithm>
#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>
#include <cstdint>
#include <vector>

#include "tests/infer/tiny_network.hpp"

using namespace vcflash;
using test::Tiny, test::tiny_network;

TEST_CASE("pixels are normalized by the encoder's own statistics", "[unit]") {
  auto const frames = test::tiny_frames(2);
  Tensor const pixels = infer::pixels_of<Tiny>(frames);
  CHECK(pixels.sizes() ==
        at::IntArrayRef({2, 3, Tiny::Encoder::resolution, Tiny::Encoder::resolution}));
  // Frame 1, blue, row 5, column 9: the tiny encoder takes (x - 45) / 60.
  auto const byte = frames.frame(1)[(5 * Tiny::Encoder::resolution + 9) * 3 + 2];
  CHECK(std::abs(pixels[1][2][5][9].item<float>() - (float(byte) - 45) / 60) < 1e-5);
}

TEST_CASE("a video's tokens do not depend on how many frames pass the encoder together", "[unit]") {
  auto const frames = test::tiny_frames(20);
  Tensor const whole = infer::look_at<Tiny>(tiny_network(), frames, Modality::video, 20);
  for (std::int64_t const part : {1, 4, 7, 8, 12}) {
    Tensor const parts = infer::look_at<Tiny>(tiny_network(), frames, Modality::video, part);
    INFO("parts of " << part);
    CHECK(parts.equal(whole));
  }
  CHECK_THROWS_AS(infer::look_at<Tiny>(tiny_network(), test::tiny_frames(6), Modality::video, 4),
                  Error);
}

TEST_CASE("a line break ends a video once, however many frames pass the encoder together",
          "[unit]") {
  using Broken = ModelOf<Tiny::Encoder, Pool2x2, Tiny::Llm>;
  Broken::Network network;
  initialize_model<Broken>(network, 7);
  auto const frames = test::tiny_frames(20);
  Tensor const whole = infer::look_at<Broken>(network, frames, Modality::video, 20);
  CHECK(whole.size(0) == 20 * 9 + 1);
  CHECK(whole[180].equal(network.connector.image_newline.value));
  for (std::int64_t const part : {4, 8, 12}) {
    CHECK(infer::look_at<Broken>(network, frames, Modality::video, part).equal(whole));
  }
}

TEST_CASE("a prompt's embeddings are those the model trains on", "[unit]") {
  auto const frames = test::tiny_frames(8);
  std::vector<std::int64_t> const ids{3, 4, media_placeholder, 9, 11};
  Tensor const tokens = infer::look_at<Tiny>(tiny_network(), frames, Modality::video);
  CHECK(tokens.sizes() == at::IntArrayRef({64, 128}));
  auto const prompt = infer::embed_prompt(tiny_network(), ids, std::span(&tokens, 1));
  Tensor const& embeddings = prompt.embeddings;

  Sample const sample{
      .input_ids = at::tensor(ids),
      .labels = {},
      .media = {{.modality = Modality::video, .pixels = infer::pixels_of<Tiny>(frames)}}};
  auto const trained = tiny_network().embed(std::span(&sample, 1));
  CHECK(embeddings.equal(trained.embeddings));
}

TEST_CASE("a prompt with another number of places than media is refused", "[unit]") {
  std::vector<std::int64_t> const ids{3, media_placeholder};
  CHECK_THROWS_WITH(infer::embed_prompt(tiny_network(), ids, {}),
                    Catch::Matchers::ContainsSubstring("1 places for media and 0 media"));
}
