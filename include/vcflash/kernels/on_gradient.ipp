#pragma once

#include <torch/csrc/autograd/custom_function.h>

#include <functional>
#include <utility>

#include <vcflash/kernels/on_gradient.hpp>

namespace vcflash::kernels {

namespace detail {

struct OnGradient : torch::autograd::Function<OnGradient> {
  struct Held : torch::CustomClassHolder {
    explicit Held(std::function<void()> action) : action(std::move(action)) {}
    std::function<void()> action;
  };

  static Tensor forward(torch::autograd::AutogradContext* context, Tensor const& input,
                        c10::intrusive_ptr<Held> held) {
    context->saved_data["action"] = c10::IValue::make_capsule(std::move(held));
    return input.view_as(input);
  }

  static torch::autograd::tensor_list backward(torch::autograd::AutogradContext* context,
                                               torch::autograd::tensor_list gradients) {
    c10::static_intrusive_pointer_cast<Held>(context->saved_data["action"].toCapsule())->action();
    return {gradients[0], Tensor()};
  }
};

}  // namespace detail

VCFLASH_INLINE Tensor on_gradient(Tensor const& x, std::function<void()> action) {
  return detail::OnGradient::apply(
      x, c10::make_intrusive<detail::OnGradient::Held>(std::move(action)));
}

}  // namespace vcflash::kernels
