#pragma once

#include <vcflash/data/picture.hpp>
#include <vcflash/infer/look.hpp>
#include <vcflash/models/sample.hpp>

#include <ATen/core/grad_mode.h>

#include <span>

namespace vcflash::infer {

/// The visual tokens of an image as training lays it out: those of the whole image, then those of
/// its tiles as one raster.
/// \param picture `M::Encoder::resolution` pixels a side  \return [tokens, hidden]
template <Model M>
Tensor look_at_picture(typename M::Network const& network, data::Picture const& picture) {
  at::NoGradGuard const no_grad;
  Medium const medium{.modality = Modality::image,
                      .pixels = pixels_of<M>(picture.tiles),
                      .tile_rows = picture.rows,
                      .tile_columns = picture.columns};
  Medium const* const media = &medium;
  return network.visual_tokens(std::span(&media, 1)).front();
}

}  // namespace vcflash::infer
