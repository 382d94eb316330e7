#include <cstddef>
#include <cstdint>
#include <vector>

#include <tests/fuzz/fuzz.hpp>
#include <vcflash/media/image.hpp>
#include <vcflash/media/preprocess.hpp>

using namespace vcflash;

/// Bytes as a picture; one that is taken becomes a square, a padded one, and tiles.
extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  constexpr int side = 16;
  static auto const sizes = media::grids({1, 1}, {6, 6}, side);
  fuzz::refused_or([&] {
    auto const image =
        media::decode_image(std::vector<std::uint8_t>(data, data + size), "made-up picture");
    fuzz::require(image.height > 0 && image.width > 0 &&
                  image.rgb.size() == std::size_t(image.height) * std::size_t(image.width) * 3);
    if (image.rgb.size() > 3 << 20) return;  // the same arithmetic, only longer
    fuzz::refused_or([&] { fuzz::require(media::to_square(image, side).height == side); });
    fuzz::refused_or([&] { fuzz::require(media::to_padded_square(image, side).height == side); });
    auto const grid = media::best_grid({image.width, image.height}, sizes, side);
    auto const tiles = media::cut_tiles(image, grid, side);
    fuzz::require(tiles.count == 1 + grid.width / side * (grid.height / side));
  });
  return 0;
}
