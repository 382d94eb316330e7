#pragma once

#include <vcflash/kernels/cpu/flash_attention.hpp>
#include <vcflash/kernels/cpu/flash_attention_backward.hpp>
#include <vcflash/kernels/gradients.hpp>

#include <torch/csrc/autograd/custom_function.h>

namespace vcflash::kernels::cpu {

namespace detail {

struct AttentionWithGradients : torch::autograd::Function<AttentionWithGradients> {
  static Tensor forward(torch::autograd::AutogradContext* context, Tensor const& query,
                        Tensor const& key, Tensor const& value, bool causal) {
    auto attended = flash_attention(query, key, value, causal);
    context->save_for_backward({query, key, value, attended.output, attended.log_sum_exp});
    context->saved_data["causal"] = causal;
    return attended.output;
  }

  static torch::autograd::tensor_list backward(torch::autograd::AutogradContext* context,
                                               torch::autograd::tensor_list gradients) {
    auto const saved = context->get_saved_variables();
    auto const passed =
        flash_attention_backward(gradients[0], saved[0], saved[1], saved[2], {saved[3], saved[4]},
                                 context->saved_data["causal"].toBool());
    return {passed.query, passed.key, passed.value, {}};
  }
};

inline bool const paths_have_gradients = [] {
  attention_path().run_with_gradients = attention_with_gradients;
  return true;
}();

}  // namespace detail

VCFLASH_INLINE Tensor attention_with_gradients(Tensor const& query, Tensor const& key,
                                               Tensor const& value, bool causal,
                                               Tensor const& /*seen*/) {
  return detail::AttentionWithGradients::apply(query, key, value, causal);
}

}  // namespace vcflash::kernels::cpu
