#pragma once

#include <vcflash/tensor/aten.hpp>
#include <vcflash/tensor/parameter.hpp>

#include <cstdint>
#include <optional>
#include <type_traits>

namespace vcflash {

/// A 3-d convolution whose kernel is one patch of one frame, which is a linear map of patches.
template <std::int64_t Width, std::int64_t Patch>
struct PatchProjection {
  using Kernel = Parameter<Role::weight, Width, 3, 1, Patch, Patch>;
  using Bias = Parameter<Role::bias, Width>;
  BOOST_HANA_DEFINE_STRUCT(PatchProjection, (Kernel, weight), (Bias, bias));

  /// \param pixels [clips, frames, 3, height, width]
  /// \return [clips, frames * rows * columns, Width], by frame, then row, then column
  Tensor operator()(Tensor const& pixels) const {
    std::int64_t const clips = pixels.size(0), frames = pixels.size(1);
    std::int64_t const rows = pixels.size(3) / Patch, columns = pixels.size(4) / Patch;
    Tensor const patches = pixels.view({clips, frames, 3, rows, Patch, columns, Patch})
                               .permute({0, 1, 3, 5, 2, 4, 6})
                               .reshape({clips, frames * rows * columns, 3 * Patch * Patch});
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

/// The patches of an encoder of images, by a 2-d convolution: pixels to the right and at the bottom
/// that fill no patch are left out.
template <std::int64_t Width, std::int64_t Patch, bool Biased = true>
struct ImagePatches {
  using Kernel = Parameter<Role::weight, Width, 3, Patch, Patch>;
  using Bias = std::conditional_t<Biased, Parameter<Role::bias, Width>, Absent>;
  BOOST_HANA_DEFINE_STRUCT(ImagePatches, (Kernel, weight), (Bias, bias));

  /// \param pixels [images, 3, height, width]
  /// \return [images, rows * columns, Width], by row, then column
  Tensor operator()(Tensor const& pixels) const {
    std::optional<Tensor> added;
    if constexpr (Biased) added = bias.value;
    return aten::conv2d(pixels, weight.value, added, Patch).flatten(2).transpose(1, 2);
  }
};

}  // namespace vcflash
