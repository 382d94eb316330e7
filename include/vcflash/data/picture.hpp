#pragma once

#include <filesystem>
#include <utility>

#include <fmt/format.h>

#include <vcflash/base/error.hpp>
#include <vcflash/media/ffmpeg.hpp>
#include <vcflash/media/frames.hpp>
#include <vcflash/media/image.hpp>
#include <vcflash/media/preprocess.hpp>
#include <vcflash/recipe/stage.hpp>

namespace vcflash::data {

/// An image as an encoder sees it.
struct Picture {
  media::Frames tiles;        ///< one square; or the whole image, then its tiles row by row
  int rows = 0, columns = 0;  ///< of tiles; 0: there is one square
  int width = 0, height = 0;  ///< pixels of the image
};

/// Reads an image and lays it out.
/// \param side pixels of a square
/// \param limit of reading the file
/// \throws InputError naming the file if it is no image that is taken
inline Picture read_picture(std::filesystem::path const& path, ImageLayout layout, int side,
                            media::TimeLimit limit = media::default_time_limit) {
  auto const image = media::read_image(path, limit);
  Picture picture{.tiles = {}, .width = image.width, .height = image.height};
  if (layout == ImageLayout::anyres_nopad) {
    auto const grid =
        media::best_grid({image.width, image.height}, media::grids({1, 1}, {6, 6}, side), side);
    picture.tiles = media::cut_tiles(image, grid, side);
    picture.rows = grid.height / side;
    picture.columns = grid.width / side;
    return picture;
  }
  try {
    auto square = layout == ImageLayout::pad ? media::to_padded_square(image, side)
                                             : media::to_square(image, side);
    picture.tiles = {1, side, side, std::move(square.rgb)};
  } catch (InputError const& error) {
    throw InputError(fmt::format("{}: {}", path.string(), error.what()));
  }
  return picture;
}

}  // namespace vcflash::data
