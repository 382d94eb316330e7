#pragma once

#include <vcflash/meta/separate.hpp>
#include <vcflash/tensor/tensor.hpp>

namespace vcflash::kernels {

/// Whether `flash_attention` takes these, and is the fastest there is for them: bf16 on a CPU with
/// AVX512-BF16. (With AMX, LibTorch's own attention is.)
bool takes_flash_attention(Tensor const& query, Tensor const& key, Tensor const& value);

struct Attended {
  Tensor mixed;  ///< [batch, heads, queries, head_dim], in memory [batch, queries, heads, head_dim]
  Tensor log_sums;  ///< of each query's exponentials: [batch, heads, queries] fp32
};

/// Softmax attention with scale head_dim^-0.5, in one pass over the keys (Dao et al. 2022): scores
/// exist for a few queries and some hundred keys at a time. Sums and softmax are fp32.
/// \param query [batch, heads, queries, head_dim]  \param key, value [batch, kv_heads, keys,
/// head_dim]  \param causal the last query sees all keys, each earlier one a key less
Attended flash_attention(Tensor const& query, Tensor const& key, Tensor const& value, bool causal);

}  // namespace vcflash::kernels

#ifndef VCFLASH_SEPARATE
#include <vcflash/kernels/flash_attention.ipp>
#endif
