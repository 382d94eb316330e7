#pragma once

#include <vcflash/kernels/attention.hpp>
#include <vcflash/meta/separate.hpp>
#include <vcflash/tensor/tensor.hpp>

#include <torch/csrc/autograd/custom_function.h>

namespace vcflash::kernels {

struct AttentionGradients {
  Tensor query, key, value;
};

/// What `flash_attention` passes back. Weights are computed again from the sums of exponentials,
/// some keys by some queries at a time. \param gradient of `attended.mixed`, same shape
AttentionGradients flash_attention_backward(Tensor const& gradient, Tensor const& query,
                                            Tensor const& key, Tensor const& value,
                                            Attended const& attended, bool causal);

namespace detail {

struct LearningAttention : torch::autograd::Function<LearningAttention> {
  static Tensor forward(torch::autograd::AutogradContext* context, Tensor const& query,
                        Tensor const& key, Tensor const& value, bool causal) {
    auto attended = flash_attention(query, key, value, causal);
    context->save_for_backward({query, key, value, attended.mixed, attended.log_sums});
    context->saved_data["causal"] = causal;
    return attended.mixed;
  }

  static torch::autograd::tensor_list backward(torch::autograd::AutogradContext* context,
                                               torch::autograd::tensor_list gradients) {
    auto const saved = context->get_saved_variables();
    auto const of =
        flash_attention_backward(gradients[0], saved[0], saved[1], saved[2], {saved[3], saved[4]},
                                 context->saved_data["causal"].toBool());
    return {of.query, of.key, of.value, {}};
  }
};

/// With this header, `attention` itself goes this way.
inline bool const attention_learns = [] {
  learning_attention = [](Tensor const& query, Tensor const& key, Tensor const& value,
                          bool causal) -> Tensor {
    return LearningAttention::apply(query, key, value, causal);
  };
  return true;
}();

}  // namespace detail
}  // namespace vcflash::kernels

#ifndef VCFLASH_SEPARATE
#include <vcflash/kernels/learning_attention.ipp>
#endif
