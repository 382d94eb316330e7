#include <vcflash/infer/look_at_picture.hpp>

#include <catch2/catch_test_macros.hpp>

#include "tests/infer/tiny_network.hpp"

using namespace vcflash;
using test::Tiny, test::tiny_network;

TEST_CASE("an image in tiles is seen as the model learns it", "[unit]") {
  data::Picture const picture{.tiles = test::tiny_frames(3), .rows = 1, .columns = 2};
  Tensor const seen = infer::look_at_picture<Tiny>(tiny_network(), picture);
  constexpr auto tokens = Tiny::Connector::tokens(Tiny::Encoder::image);
  CHECK(seen.sizes() == at::IntArrayRef({3 * tokens, 128}));

  Medium const medium{Modality::image, infer::pixels_of<Tiny>(picture.tiles), 1, 2};
  Medium const* const media = &medium;
  CHECK(seen.equal(tiny_network().visual_tokens(std::span(&media, 1)).front()));
  // The tokens of the tiles are one raster: not tile after tile.
  data::Picture const below{.tiles = picture.tiles, .rows = 2, .columns = 1};
  CHECK_FALSE(seen.equal(infer::look_at_picture<Tiny>(tiny_network(), below)));
}
