#pragma once

#include <vcflash/tensor/tensor.hpp>

#include <ATen/ops/empty.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <utility>

namespace vcflash {

/// Keys and values of the tokens that a decoder has seen, one pair of buffers a layer. Buffers
/// double when they are full, so that a token costs a copy of its own keys and values only.
template <std::int64_t Layers>
class KeyValueCache {
 public:
  /// Tokens that every layer holds.
  std::int64_t tokens() const { return tokens_; }

  /// Appends to one layer and gives all it holds, as views.
  /// \param key, value [batch, kv_heads, new tokens, head_dim]
  std::pair<Tensor, Tensor> append(std::int64_t layer, Tensor const& key, Tensor const& value) {
    auto& [keys, values] = buffers_[static_cast<std::size_t>(layer)];
    std::int64_t const added = key.size(2);
    std::int64_t const total = tokens_ + added;
    reserve(keys, key, total);
    reserve(values, value, total);
    keys.narrow(2, tokens_, added).copy_(key);
    values.narrow(2, tokens_, added).copy_(value);
    if (layer + 1 == Layers) tokens_ = total;
    return {keys.narrow(2, 0, total), values.narrow(2, 0, total)};
  }

  /// Forgets all but the first `tokens` tokens.
  void truncate(std::int64_t tokens) { tokens_ = std::min(tokens_, tokens); }

 private:
  void reserve(Tensor& buffer, Tensor const& like, std::int64_t total) const {
    if (buffer.defined() && buffer.size(2) >= total) return;
    constexpr std::int64_t smallest = 256;
    std::int64_t const capacity = std::max(smallest, 2 * total);
    Tensor const larger =
        at::empty({like.size(0), like.size(1), capacity, like.size(3)}, like.options());
    if (tokens_ > 0) larger.narrow(2, 0, tokens_).copy_(buffer.narrow(2, 0, tokens_));
    buffer = larger;
  }

  std::array<std::pair<Tensor, Tensor>, static_cast<std::size_t>(Layers)> buffers_;
  std::int64_t tokens_ = 0;
};

}  // namespace vcflash
