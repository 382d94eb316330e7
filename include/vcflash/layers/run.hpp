#pragma once

#include <vcflash/tensor/tensor.hpp>

#include <concepts>
#include <cstdint>

namespace vcflash {

/// How a model runs each of its repeated layers: here, by calling it. The training floor passes
/// a runner that forgets activations and computes them again (gradient checkpointing).
struct RunDirectly {
  template <class Layer>
  Tensor operator()(Layer const& layer, Tensor const& hidden) const {
    return layer(hidden);
  }
};

/// A runner of a training that leaves out residual branches at random (drop path, Huang et al.
/// 2016). Promises: `kept(sequences, rate)` draws for each sequence 0, with the probability `rate`,
/// or 1 / (1 - rate): [sequences, 1, 1] fp32.
template <class Run>
concept DropsPaths = requires(Run const& run) {
  { run.kept(std::int64_t{1}, 0.5) } -> std::same_as<Tensor>;
};

}  // namespace vcflash
