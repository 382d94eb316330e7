#pragma once

#include <torch/csrc/autograd/autograd.h>
#include <torch/csrc/autograd/custom_function.h>

#include <ATen/core/grad_mode.h>

#include <functional>
#include <memory>
#include <utility>

#include <vcflash/tensor/tensor.hpp>

namespace vcflash::train {

namespace detail {

/// Runs a layer without a graph, and once more with one when its gradient is asked for.
struct Recomputed : torch::autograd::Function<Recomputed> {
  using Layer = std::function<Tensor(Tensor const&)>;

  /// Autograd's own slot for what travels between the passes holds tensors only.
  struct Held : torch::CustomClassHolder {
    explicit Held(Layer layer) : layer(std::move(layer)) {}
    Layer layer;
  };

  static Tensor forward(torch::autograd::AutogradContext* context, Tensor const& input,
                        c10::intrusive_ptr<Held> held) {
    context->save_for_backward({input});
    Tensor output = held->layer(input);
    context->saved_data["layer"] = c10::IValue::make_capsule(std::move(held));
    return output;
  }

  static torch::autograd::tensor_list backward(torch::autograd::AutogradContext* context,
                                               torch::autograd::tensor_list gradients) {
    Tensor const input = context->get_saved_variables()[0].detach().requires_grad_(true);
    auto const held =
        c10::static_intrusive_pointer_cast<Held>(context->saved_data["layer"].toCapsule());
    {
      at::AutoGradMode const with_graph(true);
      // The layer's own parameters get their gradients here.
      torch::autograd::backward({held->layer(input)}, {gradients[0]});
    }
    return {input.grad(), Tensor()};
  }
};

}  // namespace detail

/// Gradient checkpointing: of each layer only the input is kept, and the layer is run again in the
/// backward pass. The results are those of running it once, bit for bit.
struct Recompute {
  template <class Layer>
  Tensor operator()(Layer const& layer, Tensor const& hidden) const {
    // Without a gradient to hand on, there is nothing to forget.
    if (!at::GradMode::is_enabled() || !hidden.requires_grad()) return layer(hidden);
    return detail::Recomputed::apply(hidden,
                                     c10::make_intrusive<detail::Recomputed::Held>(
                                         [layer](Tensor const& input) { return layer(input); }));
  }
};

}  // namespace vcflash::train
