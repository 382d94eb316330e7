#pragma once

#include <vcflash/tensor/aten.hpp>
#include <vcflash/tensor/tensor.hpp>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <string_view>

namespace vcflash::kernels {

/// Rotary positions stretched beyond the length that a model was trained at. Pairs of channels that
/// turn often over that length keep their frequency, those that turn seldom are slowed by the
/// factor, and between the two it goes over gradually: by channel (YaRN, Peng et al. 2023) or by
/// turns (Llama 3.1, Dubey et al. 2024).
struct RotaryScaling {
  enum class Kind { none, yarn, llama3 };
  Kind kind = Kind::none;
  double factor = 1;                    ///< times as far
  std::int64_t original_positions = 1;  ///< length that the model was trained at
  /// Turns over that length: as they are from `fast` on, slowed by the whole factor up to `slow`.
  /// `config.json` has them as `beta_fast` and `beta_slow`, or `high_freq_factor` and
  /// `low_freq_factor`.
  double fast = 32, slow = 1;

  bool operator==(RotaryScaling const&) const = default;

  constexpr bool stretches() const { return kind != Kind::none && factor != 1; }
  /// What cosines and sines are multiplied by.
  double attention_scaling() const {
    return kind == Kind::yarn && factor > 1 ? 0.1 * std::log(factor) + 1 : 1;
  }
};

constexpr RotaryScaling yarn(double factor, std::int64_t original_positions, double fast = 32,
                             double slow = 1) {
  return {RotaryScaling::Kind::yarn, factor, original_positions, fast, slow};
}

constexpr RotaryScaling llama3_scaling(double factor, std::int64_t original_positions,
                                       double fast = 4, double slow = 1) {
  return {RotaryScaling::Kind::llama3, factor, original_positions, fast, slow};
}

constexpr std::string_view name_of(RotaryScaling::Kind kind) {
  switch (kind) {
    case RotaryScaling::Kind::none:
      return "default";
    case RotaryScaling::Kind::yarn:
      return "yarn";
    case RotaryScaling::Kind::llama3:
      return "llama3";
  }
  return "unknown";
}

namespace detail {
/// 0 for pairs of channels that keep their frequency, 1 for those that are slowed by the factor.
/// \param frequency [head_dim / 2], not stretched  \return [head_dim / 2]
inline Tensor slowed_part(Tensor const& frequency, double base, RotaryScaling const& scaling) {
  auto const width = static_cast<double>(2 * frequency.size(0));
  auto const length = static_cast<double>(scaling.original_positions);
  if (scaling.kind == RotaryScaling::Kind::llama3) {
    Tensor const turns = frequency * (length / (2 * M_PI));
    return ((scaling.fast - turns) / (scaling.fast - scaling.slow)).clamp(0, 1);
  }
  auto const pair_that_turns = [&](double turns) {
    return width * std::log(length / (turns * 2 * M_PI)) / (2 * std::log(base));
  };
  double const low = std::max(std::floor(pair_that_turns(scaling.fast)), 0.0);
  double high = std::min(std::ceil(pair_that_turns(scaling.slow)), width - 1);
  if (high == low) high += 0.001;
  return ((aten::arange(frequency.size(0), frequency.options()) - low) / (high - low)).clamp(0, 1);
}
}  // namespace detail

/// Radians that each pair of channels turns by from one position to the next, computed in fp32:
/// base^(-2i / head_dim), the slow ones slower still where positions are stretched.
/// \return [head_dim / 2]
inline Tensor rotary_frequencies(std::int64_t head_dim, double base, at::Device device,
                                 RotaryScaling const& scaling = {}) {
  auto const fp32 = at::TensorOptions(at::kFloat).device(device);
  Tensor const exponent = aten::arange(0, head_dim, 2, fp32) / static_cast<double>(head_dim);
  Tensor const period = aten::pow(base, exponent);
  if (!scaling.stretches()) return period.reciprocal();
  Tensor const slowed = detail::slowed_part(period.reciprocal(), base, scaling);
  return (period * scaling.factor).reciprocal() * slowed + period.reciprocal() * (1 - slowed);
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
                                at::ScalarType dtype, RotaryScaling const& scaling = {}) {
  Tensor const frequency = rotary_frequencies(head_dim, base, positions.device(), scaling);
  Tensor const half = positions.to(at::kFloat).unsqueeze(-1) * frequency;
  Tensor angle = aten::cat({half, half}, -1);
  if (angle.dim() == 3) angle = angle.unsqueeze(1);
  double const gain = scaling.attention_scaling();
  if (gain == 1) return {angle.cos().to(dtype), angle.sin().to(dtype)};
  return {(angle.cos() * gain).to(dtype), (angle.sin() * gain).to(dtype)};
}

/// Turns the first and the second half of every head against each other.
/// \param x [batch, heads, tokens, head_dim]  \return same shape
inline Tensor rotate(Tensor const& x, RotaryTable const& table) {
  std::int64_t const half = x.size(-1) / 2;
  Tensor const turned = aten::cat({x.narrow(-1, half, half).neg(), x.narrow(-1, 0, half)}, -1);
  return x * table.cos + turned * table.sin;
}

}  // namespace vcflash::kernels
