#pragma once

#include <vcflash/kernels/dispatch.hpp>
#include <vcflash/meta/separate.hpp>
#include <vcflash/tensor/tensor.hpp>

namespace vcflash::kernels::cpu {

struct FlashAttentionOutput {
  Tensor
      output;  ///< [batch, heads, queries, head_dim], in memory [batch, queries, heads, head_dim]
  Tensor log_sum_exp;  ///< of each query's scores: [batch, heads, queries] fp32
};

/// Softmax attention with scale head_dim^-0.5, in one pass over the keys (Dao et al. 2022): scores
/// exist for a few queries and some hundred keys at a time. Sums and softmax are fp32.
/// \param query [batch, heads, queries, head_dim]
/// \param key, value [batch, kv_heads, keys, head_dim]
/// \param causal the last query sees all keys, each earlier one a key less; zeros for a query that
/// sees none
FlashAttentionOutput flash_attention(Tensor const& query, Tensor const& key, Tensor const& value,
                                     bool causal);

using AttentionPath =
    FastPath<Tensor(Tensor const&, Tensor const&, Tensor const&, bool, Tensor const&)>;

/// Of bf16 whose channels are side by side. LibTorch's own attention is faster with AMX.
AttentionPath& attention_path();

}  // namespace vcflash::kernels::cpu

#ifndef VCFLASH_SEPARATE
#include <vcflash/kernels/cpu/flash_attention.ipp>
#endif
