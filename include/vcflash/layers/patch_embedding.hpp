#pragma once

#include <vcflash/tensor/aten.hpp>
#include <vcflash/tensor/parameter.hpp>

#include <cstdint>
#include <type_traits>

namespace vcflash {

/// The pixels of each patch; those to the right and at the bottom that fill none are left out.
/// \param images [images, 3, height, width]
/// \return [images, rows * columns, 3 * Patch * Patch], by row, then column
template <std::int64_t Patch>
Tensor patches_of(Tensor const& images) {
  std::int64_t const rows = images.size(2) / Patch, columns = images.size(3) / Patch;
  return images.narrow(2, 0, rows * Patch)
      .narrow(3, 0, columns * Patch)
      .unflatten(3, {columns, Patch})
      .unflatten(2, {rows, Patch})
      .permute({0, 2, 4, 1, 3, 5})
      .reshape({images.size(0), rows * columns, 3 * Patch * Patch});
}

/// A 3-d convolution whose kernel is one patch of one frame, which is a linear map of patches.
template <std::int64_t Width, std::int64_t Patch>
struct PatchProjection {
  using Kernel = Parameter<Role::weight, Width, 3, 1, Patch, Patch>;
  using Bias = Parameter<Role::bias, Width>;
  BOOST_HANA_DEFINE_STRUCT(PatchProjection, (Kernel, weight), (Bias, bias));

  /// \param pixels [clips, frames, 3, height, width]
  /// \return [clips, frames * rows * columns, Width], by frame, then row, then column
  Tensor operator()(Tensor const& pixels) const {
    Tensor const patches =
        patches_of<Patch>(pixels.flatten(0, 1)).view({pixels.size(0), -1, 3 * Patch * Patch});
    return aten::linear(patches, weight.value.view({Width, 3 * Patch * Patch}), bias.value);
  }
};

/// The patches of a vision transformer, under the keys of its checkpoints.
template <std::int64_t Width, std::int64_t Patch>
struct PatchEmbedding {
  using Projection = PatchProjection<Width, Patch>;
  BOOST_HANA_DEFINE_STRUCT(PatchEmbedding, (Projection, proj));
  Tensor operator()(Tensor const& pixels) const { return proj(pixels); }
};

/// The patches of an encoder of images: a 2-d convolution whose kernel is one patch.
template <std::int64_t Width, std::int64_t Patch, bool Biased = true>
struct ImagePatches {
  using Kernel = Parameter<Role::weight, Width, 3, Patch, Patch>;
  using Bias = std::conditional_t<Biased, Parameter<Role::bias, Width>, Absent>;
  BOOST_HANA_DEFINE_STRUCT(ImagePatches, (Kernel, weight), (Bias, bias));

  /// \param pixels [images, 3, height, width]
  /// \return [images, rows * columns, Width], by row, then column
  Tensor operator()(Tensor const& pixels) const {
    Tensor const map = weight.value.view({Width, 3 * Patch * Patch});
    if constexpr (Biased) {
      return aten::linear(patches_of<Patch>(pixels), map, bias.value);
    } else {
      return aten::linear(patches_of<Patch>(pixels), map);
    }
  }
};

}  // namespace vcflash
