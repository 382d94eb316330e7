#pragma once

#include <vcflash/kernels/attention.hpp>
#include <vcflash/kernels/cpu/flash_attention.hpp>
#include <vcflash/tensor/aten.hpp>

#include <cstdint>
#include <optional>

namespace vcflash::kernels {

VCFLASH_INLINE Tensor plain::attention(Tensor const& query, Tensor const& key, Tensor const& value,
                                       bool causal, Tensor const& seen) {
  std::int64_t const heads = query.size(1);
  std::int64_t const group = heads / key.size(1);
  if (group > 1 && query.size(2) == 1) {
    // The queries of a group stand where those of several tokens would, so that a step of decoding
    // does not copy the cache once for each of them.
    Tensor const grouped = query.reshape({query.size(0), key.size(1), group, query.size(3)});
    Tensor const output = seen.defined()
                              ? aten::scaled_dot_product_attention(grouped, key, value, seen)
                              : aten::scaled_dot_product_attention(grouped, key, value);
    return output.reshape(query.sizes());
  }
  if (group > 1) {
    auto const repeat = [&](Tensor const& t) {
      return t.unsqueeze(2)
          .expand({t.size(0), t.size(1), group, t.size(2), t.size(3)})
          .reshape({t.size(0), heads, t.size(2), t.size(3)});
    };
    return plain::attention(query, repeat(key), repeat(value), causal, seen);
  }
  if (seen.defined()) return aten::scaled_dot_product_attention(query, key, value, seen);
  std::int64_t const queries = query.size(2);
  std::int64_t const keys = key.size(2);
  if (!causal || queries == 1) return aten::scaled_dot_product_attention(query, key, value);
  if (queries == keys) {
    return aten::scaled_dot_product_attention(query, key, value, std::nullopt, /*causal=*/true);
  }
  auto const options = query.options().dtype(at::kLong);
  Tensor const row = aten::arange(keys - queries, keys, options).unsqueeze(1);
  Tensor const column = aten::arange(keys, options).unsqueeze(0);
  return aten::scaled_dot_product_attention(query, key, value, column.le(row));
}

VCFLASH_INLINE AttentionOperation const& operations::attention() {
  static AttentionOperation const operation{
      "attention", plain::attention, {&cpu::attention_path()}};
  return operation;
}

VCFLASH_INLINE Tensor attention(Tensor const& query, Tensor const& key, Tensor const& value,
                                bool causal, Tensor const& seen) {
  return operations::attention()(query, key, value, causal, seen);
}

}  // namespace vcflash::kernels
