#pragma once

#include <ATen/core/grad_mode.h>

#include <functional>

#include <vcflash/meta/separate.hpp>
#include <vcflash/tensor/tensor.hpp>

namespace vcflash::train {

namespace detail {
/// Runs a layer without a graph, and once more with one when its gradient is asked for.
Tensor recomputed(Tensor const& input, std::function<Tensor(Tensor const&)> layer);
}  // namespace detail

/// Gradient checkpointing: of each layer only the input is kept, and the layer is run again in the
/// backward pass. In fp32 the results are those of running it once, bit for bit. In bf16 on a CPU
/// the first run, which needs no graph, may take fast paths that have no gradients
/// (kernels/dispatch.hpp) and round a few elements the other way: RMS norm, SwiGLU, products of one
/// or two rows. With `VCFLASH_FAST_PATHS=off` bf16 is the same bits, too.
struct Recompute {
  template <class Layer>
  Tensor operator()(Layer const& layer, Tensor const& hidden) const {
    // Without a gradient to hand on, there is nothing to forget.
    if (!at::GradMode::is_enabled() || !hidden.requires_grad()) return layer(hidden);
    return detail::recomputed(hidden, [layer](Tensor const& input) { return layer(input); });
  }
};

}  // namespace vcflash::train

#ifndef VCFLASH_SEPARATE
#include <vcflash/train/checkpointing.ipp>
#endif
