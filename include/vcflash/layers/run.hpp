#pragma once

#include <vcflash/tensor/tensor.hpp>

namespace vcflash {

/// How a model runs each of its repeated layers: here, by calling it. The training floor passes
/// a runner that forgets activations and computes them again (gradient checkpointing).
struct RunDirectly {
  template <class Layer>
  Tensor operator()(Layer const& layer, Tensor const& hidden) const {
    return layer(hidden);
  }
};

}  // namespace vcflash
