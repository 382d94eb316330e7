#pragma once

#include <vcflash/kernels/cpu/flash_attention.hpp>
#include <vcflash/meta/separate.hpp>
#include <vcflash/tensor/tensor.hpp>

namespace vcflash::kernels::cpu {

struct AttentionGradients {
  Tensor query, key, value;
};

/// What `flash_attention` passes back. Weights are computed again from the scores' log-sum-exp,
/// some keys by some queries at a time.
/// \param gradient of `attended.output`, same shape
AttentionGradients flash_attention_backward(Tensor const& gradient, Tensor const& query,
                                            Tensor const& key, Tensor const& value,
                                            FlashAttentionOutput const& attended, bool causal);

}  // namespace vcflash::kernels::cpu

#ifndef VCFLASH_SEPARATE
#include <vcflash/kernels/cpu/flash_attention_backward.ipp>
#endif
