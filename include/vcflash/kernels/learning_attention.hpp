#pragma once

#include <vcflash/kernels/attention.hpp>
#include <vcflash/meta/separate.hpp>
#include <vcflash/tensor/tensor.hpp>

namespace vcflash::kernels {

struct AttentionGradients {
  Tensor query, key, value;
};

/// What `flash_attention` passes back. Weights are computed again from the sums of exponentials,
/// some keys by some queries at a time. \param gradient of `attended.mixed`, same shape
AttentionGradients flash_attention_backward(Tensor const& gradient, Tensor const& query,
                                            Tensor const& key, Tensor const& value,
                                            Attended const& attended, bool causal);

/// `flash_attention(query, key, value, causal).mixed`, with gradients.
Tensor learning_flash_attention(Tensor const& query, Tensor const& key, Tensor const& value,
                                bool causal);

namespace detail {

/// With this header, `attention` itself goes this way.
inline bool const attention_learns = [] {
  learning_attention = learning_flash_attention;
  return true;
}();

}  // namespace detail
}  // namespace vcflash::kernels

#ifndef VCFLASH_SEPARATE
#include <vcflash/kernels/learning_attention.ipp>
#endif
