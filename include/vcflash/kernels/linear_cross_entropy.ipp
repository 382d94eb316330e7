#pragma once

#include <vcflash/kernels/linear_cross_entropy.hpp>
#include <vcflash/tensor/aten.hpp>

#include <ATen/core/grad_mode.h>
#include <torch/csrc/autograd/custom_function.h>

#include <algorithm>

namespace vcflash::kernels {

namespace detail {

/// The gradients come out of the pass that computes the loss, so that no logits are kept.
struct LinearCrossEntropy : torch::autograd::Function<LinearCrossEntropy> {
  static Tensor forward(torch::autograd::AutogradContext* context, Tensor const& states,
                        Tensor const& table, Tensor const& labels, std::int64_t most_rows,
                        bool states_learn, bool table_learns) {
    std::int64_t const rows = states.size(0);
    auto const fp32 = states.options().dtype(at::kFloat).requires_grad(false);
    Tensor loss = aten::zeros({}, fp32);
    Tensor const grad_states = states_learn ? aten::empty_like(states) : Tensor();
    // Parts of a sum are added in fp32.
    bool const in_parts = rows > most_rows;
    Tensor grad_table = table_learns && in_parts ? aten::zeros(table.sizes(), fp32) : Tensor();
    for (std::int64_t begin = 0; begin < rows; begin += most_rows) {
      std::int64_t const count = std::min(most_rows, rows - begin);
      Tensor const some = states.narrow(0, begin, count);
      Tensor const label = labels.narrow(0, begin, count).unsqueeze(1);
      Tensor const logits = aten::linear(some, table).to(at::kFloat).log_softmax(-1);
      Tensor const chosen = logits.gather(1, label);
      loss -= chosen.sum();
      if (!states_learn && !table_learns) continue;
      Tensor const grad_logits = logits.exp_()
                                     .scatter_(1, label, chosen.exp() - 1)
                                     .div_(static_cast<double>(rows))
                                     .to(table.scalar_type());
      if (states_learn) grad_states.narrow(0, begin, count).copy_(grad_logits.mm(table));
      if (!table_learns) continue;
      Tensor const part = grad_logits.t().mm(some);
      grad_table = in_parts ? grad_table.add_(part) : part;
    }
    if (grad_table.defined()) grad_table = grad_table.to(table.scalar_type());
    context->save_for_backward({grad_states, grad_table});
    return loss.div_(static_cast<double>(rows));
  }

  static torch::autograd::tensor_list backward(torch::autograd::AutogradContext* context,
                                               torch::autograd::tensor_list gradients) {
    auto learned = context->get_saved_variables();
    for (Tensor& gradient : learned) {
      if (gradient.defined()) gradient = gradient.mul_(gradients[0]);
    }
    return {learned[0], learned[1], {}, {}, {}, {}};
  }
};

}  // namespace detail

VCFLASH_INLINE Tensor linear_cross_entropy(Tensor const& states, Tensor const& table,
                                           Tensor const& labels, std::int64_t most_rows) {
  bool const learns = at::GradMode::is_enabled();
  return detail::LinearCrossEntropy::apply(states, table, labels, most_rows,
                                           learns && states.requires_grad(),
                                           learns && table.requires_grad());
}

}  // namespace vcflash::kernels
