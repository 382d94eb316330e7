#pragma once

#include <vcflash/tensor/tensor.hpp>

#include <ATen/ops/arange.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/pow.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/upsample_bicubic2d.h>
#include <ATen/ops/upsample_linear1d.h>

#include <cstdint>
#include <optional>

namespace vcflash {

/// Fixed sinusoid positions (Vaswani et al. 2017): sines at even channels, cosines at odd ones,
/// computed in fp64 and rounded to fp32.
/// \return [positions, width]
inline Tensor sinusoid_table(std::int64_t positions, std::int64_t width) {
  Tensor const pair = at::arange(0, width, 2, at::kDouble);
  Tensor const divisor = at::pow(10000.0, pair / static_cast<double>(width));
  Tensor const angle = at::arange(positions, at::kDouble).unsqueeze(1) / divisor.unsqueeze(0);
  return at::stack({angle.sin(), angle.cos()}, -1).reshape({positions, width}).to(at::kFloat);
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
    table = at::upsample_bicubic2d(table, {wanted.side, wanted.side}, /*align_corners=*/false)
                .permute({0, 2, 3, 1});
  }
  if (made_for.frames != wanted.frames) {
    table = table.reshape({made_for.frames, wanted.side * wanted.side, width}).permute({1, 2, 0});
    table =
        at::upsample_linear1d(table, {wanted.frames}, /*align_corners=*/false).permute({2, 0, 1});
  }
  return table.reshape({1, wanted.frames * wanted.side * wanted.side, width});
}

}  // namespace vcflash
