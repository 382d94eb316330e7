#pragma once

#include <vcflash/tensor/tensor.hpp>

#include <ATen/ops/arange.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/pow.h>

#include <cstdint>

namespace vcflash::kernels {

/// Radians that each pair of channels turns by from one position to the next, computed in fp32:
/// base^(-2i / head_dim).  \return [head_dim / 2]
inline Tensor rotary_frequencies(std::int64_t head_dim, double base, at::Device device) {
  auto const fp32 = at::TensorOptions(at::kFloat).device(device);
  Tensor const exponent = at::arange(0, head_dim, 2, fp32) / static_cast<double>(head_dim);
  return at::pow(base, exponent).reciprocal();
}

/// Cosines and sines of rotary position embedding (Su et al. 2021).
struct RotaryTable {
  Tensor cos, sin;  ///< [tokens, head_dim], both halves the same
};

/// \param positions [tokens] int64  \param dtype that the table is rounded to, from fp32
inline RotaryTable rotary_table(Tensor const& positions, std::int64_t head_dim, double base,
                                at::ScalarType dtype) {
  Tensor const frequency = rotary_frequencies(head_dim, base, positions.device());
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
