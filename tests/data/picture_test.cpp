#include <vcflash/data/picture.hpp>

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>
#include <cstdint>
#include <string>
#include <vector>

#include <vcflash/media/encode.hpp>

#include "tests/support/folder.hpp"

using namespace vcflash;

namespace {

std::filesystem::path picture(test::TemporaryFolder const& folder, int width, int height) {
  auto const bytes = static_cast<std::size_t>(width * height * 3);
  auto const png = media::encode_png({height, width, std::vector<std::uint8_t>(bytes, 200)});
  return folder.write("picture.png", {reinterpret_cast<char const*>(png.data()), png.size()});
}

}  // namespace

TEST_CASE("an image is a square as it is, a padded one, or the whole and its tiles", "[unit]") {
  test::TemporaryFolder const folder;
  auto const file = picture(folder, 24, 16);
  auto const square = data::read_picture(file, ImageLayout::square, 8);
  CHECK(square.tiles.count == 1);
  CHECK(square.rows == 0);
  CHECK(square.tiles.frame(0)[0] == 200);
  CHECK(square.width == 24);
  CHECK(square.height == 16);
  CHECK(data::read_picture(file, ImageLayout::pad, 8).tiles.frame(0)[0] != 200);
  auto const tiled = data::read_picture(file, ImageLayout::anyres_nopad, 8);
  CHECK(tiled.columns == 3);
  CHECK(tiled.rows == 2);
  CHECK(tiled.tiles.count == 7);
  CHECK(tiled.tiles.width == 8);
}

TEST_CASE("an image that is not taken is named", "[unit]") {
  test::TemporaryFolder const folder;
  auto const file = picture(folder, 24, 1);
  CHECK_THROWS_WITH(data::read_picture(file, ImageLayout::square, 8),
                    Catch::Matchers::ContainsSubstring("picture.png"));
  CHECK_THROWS_WITH(data::read_picture(folder / "none.png", ImageLayout::pad, 8),
                    Catch::Matchers::ContainsSubstring("none.png"));
}
