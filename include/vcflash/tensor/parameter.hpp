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

/// A tensor of a shape known to the compiler. Empty until initialized or loaded.
///
/// What is done to all parameters alike reads what the type says besides. A type derived from this
/// one may say
/// - `static Tensor initial()` or `initial(at::Generator&)`: what it starts as, instead of what its
///   role says;
/// - `static constexpr bool added = true`: it stands beside a network (an adapter) whose
/// checkpoints
///   know nothing of it;
/// - `static constexpr at::ScalarType dtype`: its own, whatever the model is loaded in or
///   converted to;
/// - `static constexpr bool trainable = false`: no training changes it (`Frozen` says so of
/// layers);
/// - `static Tensor converted(Tensor const& stored)` with
///   `static constexpr std::string_view made_from`: where a checkpoint lacks its key, it is made
///   from the layer's tensor of that name.
template <Role R, std::int64_t... Dims>
struct Parameter {
  static constexpr Role role = R;
  static constexpr std::array<std::int64_t, sizeof...(Dims)> shape{Dims...};
  static constexpr std::int64_t count = (std::int64_t{1} * ... * Dims);

  Tensor value;

  operator Tensor const&() const { return value; }
};

}  // namespace vcflash
