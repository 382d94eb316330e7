#pragma once

#include <vcflash/meta/reflect.hpp>
#include <vcflash/tensor/tensor.hpp>

#include <array>
#include <cstdint>

namespace vcflash {

/// What a parameter is for: decides how it starts and whether weight decay touches it.
enum class Role {
  weight,      ///< of a linear map or a convolution
  embedding,   ///< a table of vectors
  bias,        ///< starts at zero, never decays
  layer_norm,  ///< gain of a LayerNorm: starts at one, never decays
  rms_norm,    ///< gain of an RMSNorm: starts at one and decays, as upstream's optimizer has it
};

/// Upstream excludes biases and `nn.LayerNorm` from weight decay, and nothing else.
constexpr bool decays(Role role) { return role != Role::bias && role != Role::layer_norm; }

/// A trainable tensor of a shape known to the compiler. Empty until initialized or loaded.
template <Role R, std::int64_t... Dims>
struct Parameter {
  static constexpr Role role = R;
  static constexpr std::array<std::int64_t, sizeof...(Dims)> shape{Dims...};
  static constexpr std::int64_t count = (std::int64_t{1} * ... * Dims);

  Tensor value;

  operator Tensor const&() const { return value; }
};

}  // namespace vcflash
