#pragma once

#include <vcflash/tensor/tensor.hpp>

#include <ATen/ops/arange.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/pow.h>

#include <cstdint>

namespace vcflash::kernels {

/// Cosines and sines of rotary position embedding (Su et al. 2021), computed in fp32.
struct RotaryTable {
  Tensor cos, sin;  ///< [tokens, head_dim], both halves the same
};

/// \param positions [tokens] int64  \param base of the geometric series of frequencies
/// \param dtype that the table is rounded to
inline RotaryTable rotary_table(Tensor const& positions, std::int64_t head_dim, double base,
                                at::ScalarType dtype) {
  auto const fp32 = positions.options().dtype(at::kFloat);
  Tensor const exponent = at::arange(0, head_dim, 2, fp32) / static_cast<double>(head_dim);
  Tensor const frequency = at::pow(base, exponent).reciprocal();
  Tensor const half = positions.to(at::kFloat).unsqueeze(1) * frequency.unsqueeze(0);
  Tensor const angle = at::cat({half, half}, 1);
  return {angle.cos().to(dtype), angle.sin().to(dtype)};
}

/// Turns the first and the second half of every head against each other.
/// \param x [batch, heads, tokens, head_dim]  \return same shape
inline Tensor rotate(Tensor const& x, RotaryTable const& table) {
  std::int64_t const half = x.size(-1) / 2;
  Tensor const turned = at::cat({x.narrow(-1, half, half).neg(), x.narrow(-1, 0, half)}, -1);
  return x * table.cos + turned * table.sin;
}

}  // namespace vcflash::kernels
