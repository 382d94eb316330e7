#pragma once

#include <vcflash/tensor/aten.hpp>
#include <vcflash/tensor/tensor.hpp>

#include <algorithm>
#include <cmath>
#include <cstdint>

namespace vcflash::kernels {

/// Rotary positions stretched beyond the length that a model was trained at (YaRN, Peng et al.
/// 2023). Not stretched by default.
struct Yarn {
  double factor = 1;                    ///< times as far
  std::int64_t original_positions = 1;  ///< length that the model was trained at
  double fast = 32, slow = 1;  ///< turns over that length: as they are from here, up to here

  constexpr bool stretches() const { return factor > 1; }
  /// What cosines and sines are multiplied by.
  double attention_scaling() const { return stretches() ? 0.1 * std::log(factor) + 1 : 1; }
};

namespace detail {
/// 0 for pairs of channels that keep their frequency, 1 for those that are slowed by the factor.
/// \return [head_dim / 2]
inline Tensor slowed_part(std::int64_t head_dim, double base, Yarn const& yarn,
                          at::TensorOptions options) {
  auto const width = static_cast<double>(head_dim);
  auto const pair_that_turns = [&](double turns) {
    double const period = static_cast<double>(yarn.original_positions) / (turns * 2 * M_PI);
    return width * std::log(period) / (2 * std::log(base));
  };
  double const low = std::max(std::floor(pair_that_turns(yarn.fast)), 0.0);
  double high = std::min(std::ceil(pair_that_turns(yarn.slow)), width - 1);
  if (high == low) high += 0.001;
  return ((aten::arange(head_dim / 2, options) - low) / (high - low)).clamp(0, 1);
}
}  // namespace detail

/// Radians that each pair of channels turns by from one position to the next, computed in fp32:
/// base^(-2i / head_dim), the slow ones slower still by YaRN.  \return [head_dim / 2]
inline Tensor rotary_frequencies(std::int64_t head_dim, double base, at::Device device,
                                 Yarn const& yarn = {}) {
  auto const fp32 = at::TensorOptions(at::kFloat).device(device);
  Tensor const exponent = aten::arange(0, head_dim, 2, fp32) / static_cast<double>(head_dim);
  Tensor const period = aten::pow(base, exponent);
  if (!yarn.stretches()) return period.reciprocal();
  Tensor const slowed = detail::slowed_part(head_dim, base, yarn, fp32);
  return (period * yarn.factor).reciprocal() * slowed + period.reciprocal() * (1 - slowed);
}

/// Cosines and sines of rotary position embedding (Su et al. 2021).
struct RotaryTable {
  Tensor cos, sin;  ///< [tokens, head_dim] or [batch, 1, tokens, head_dim], both halves the same

  /// The rows of some tokens.  \param tokens [chosen] int64
  RotaryTable rows(Tensor const& tokens) const {
    return {cos.index_select(0, tokens), sin.index_select(0, tokens)};
  }
};

/// \param positions [tokens] or [batch, tokens] int64  \param dtype that the table is rounded to,
/// from fp32
inline RotaryTable rotary_table(Tensor const& positions, std::int64_t head_dim, double base,
                                at::ScalarType dtype, Yarn const& yarn = {}) {
  Tensor const frequency = rotary_frequencies(head_dim, base, positions.device(), yarn);
  Tensor const half = positions.to(at::kFloat).unsqueeze(-1) * frequency;
  Tensor angle = aten::cat({half, half}, -1);
  if (angle.dim() == 3) angle = angle.unsqueeze(1);
  if (!yarn.stretches()) return {angle.cos().to(dtype), angle.sin().to(dtype)};
  double const scaling = yarn.attention_scaling();
  return {(angle.cos() * scaling).to(dtype), (angle.sin() * scaling).to(dtype)};
}

/// Turns the first and the second half of every head against each other.
/// \param x [batch, heads, tokens, head_dim]  \return same shape
inline Tensor rotate(Tensor const& x, RotaryTable const& table) {
  std::int64_t const half = x.size(-1) / 2;
  Tensor const turned = aten::cat({x.narrow(-1, half, half).neg(), x.narrow(-1, 0, half)}, -1);
  return x * table.cos + turned * table.sin;
}

}  // namespace vcflash::kernels
