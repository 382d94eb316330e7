#pragma once

#include <vcflash/tensor/aten.hpp>
#include <vcflash/tensor/tensor.hpp>

#include <cstdint>
#include <optional>

namespace vcflash {

/// Fixed sinusoid positions (Vaswani et al. 2017): sines at even channels, cosines at odd ones,
/// computed in fp64 and rounded to fp32.
/// \return [positions, width]
inline Tensor sinusoid_table(std::int64_t positions, std::int64_t width) {
  Tensor const pair = aten::arange(0, width, 2, at::kDouble);
  Tensor const divisor = aten::pow(10000.0, pair / static_cast<double>(width));
  Tensor const angle = aten::arange(positions, at::kDouble).unsqueeze(1) / divisor.unsqueeze(0);
  return aten::stack({angle.sin(), angle.cos()}, -1).reshape({positions, width}).to(at::kFloat);
}

namespace detail {
/// Sines, then cosines of falling frequency, all in fp32.
/// \param positions [positions] fp32  \return [positions, width]
inline Tensor sines_then_cosines(Tensor const& positions, std::int64_t width) {
  std::int64_t const half = width / 2;
  Tensor const exponent = aten::arange(half, at::kFloat) / static_cast<double>(half);
  Tensor const angle =
      positions.unsqueeze(1) * aten::pow(10000.0, exponent).reciprocal().unsqueeze(0);
  return aten::cat({angle.sin(), angle.cos()}, 1);
}
}  // namespace detail

/// Sinusoids of the three positions of a clip's patches: a quarter of the channels for the frame,
/// three eighths for the column, three eighths for the row. The first row, of the class token, is
/// zero. Upstream: `get_3d_sincos_pos_embed` of internvideo2/pos_embed.py.
/// \param width a multiple of 16  \return [1, 1 + frames * side * side, width] fp32
inline Tensor space_time_table(std::int64_t frames, std::int64_t side, std::int64_t width) {
  Tensor const places = aten::arange(side, at::kFloat);
  Tensor const time = detail::sines_then_cosines(aten::arange(frames, at::kFloat), width / 4);
  Tensor const space = detail::sines_then_cosines(places, width * 3 / 8);
  std::int64_t const part = space.size(1);
  Tensor const patches =
      aten::cat({time.view({frames, 1, 1, width / 4}).expand({frames, side, side, width / 4}),
                 space.view({1, 1, side, part}).expand({frames, side, side, part}),
                 space.view({1, side, 1, part}).expand({frames, side, side, part})},
                -1);
  return aten::cat({aten::zeros({1, 1, width}), patches.reshape({1, frames * side * side, width})},
                   1);
}

/// The size that a table of clip positions was made for.
struct PositionGrid {
  std::int64_t frames, side;  ///< tokens: frames * side * side
};

/// Positions of a clip: the table of `made_for`, resized bicubically in space and then linearly
/// in time where `wanted` differs. Upstream: `get_sinusoid_encoding_table2` of umt/vit.py.
/// \return [1, frames * side * side, width] fp32
inline Tensor clip_positions(PositionGrid made_for, PositionGrid wanted, std::int64_t width) {
  std::int64_t const tokens = made_for.frames * made_for.side * made_for.side;
  Tensor table = sinusoid_table(tokens, width);
  if (made_for.side != wanted.side) {
    table =
        table.view({made_for.frames, made_for.side, made_for.side, width}).permute({0, 3, 1, 2});
    table = aten::upsample_bicubic2d(table, {wanted.side, wanted.side}).permute({0, 2, 3, 1});
  }
  if (made_for.frames != wanted.frames) {
    table = table.reshape({made_for.frames, wanted.side * wanted.side, width}).permute({1, 2, 0});
    table = aten::upsample_linear1d(table, wanted.frames).permute({2, 0, 1});
  }
  return table.reshape({1, wanted.frames * wanted.side * wanted.side, width});
}

}  // namespace vcflash
