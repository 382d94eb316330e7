#pragma once

#include <ATen/core/grad_mode.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/csrc/autograd/custom_function.h>

#include <functional>
#include <utility>

#include <vcflash/train/checkpointing.hpp>

namespace vcflash::train {

namespace detail {

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

VCFLASH_INLINE Tensor recomputed(Tensor const& input, std::function<Tensor(Tensor const&)> layer) {
  return Recomputed::apply(input, c10::make_intrusive<Recomputed::Held>(std::move(layer)));
}

}  // namespace detail

}  // namespace vcflash::train
