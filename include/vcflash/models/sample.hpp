#pragma once

#include <vcflash/base/vocabulary.hpp>
#include <vcflash/tensor/tensor.hpp>

#include <cstdint>
#include <string>
#include <vector>

namespace vcflash {

/// One video or image as the encoder takes it: normalized pixels.
struct Medium {
  Modality modality = Modality::video;
  Tensor pixels;  ///< video [frames, 3, height, width]; image [1 + tiles, 3, height, width]
  std::int64_t tile_rows = 0, tile_columns = 0;  ///< of an image cut in tiles, after the whole
};

/// One conversation as the model takes it, the output of the data floor.
struct Sample {
  Tensor input_ids;           ///< [tokens] int64, `media_placeholder` once for each medium
  Tensor labels;              ///< [tokens] int64, `ignore_label` where no loss; undefined: none
  std::vector<Medium> media;  ///< in the order of their placeholders
  std::string id{};           ///< of its annotation, for messages
};

}  // namespace vcflash
