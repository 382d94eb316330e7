#pragma once

#include <vcflash/kernels/attention.hpp>

#include <cstdint>
#include <utility>

namespace vcflash::test {

/// Shapes of an attention.
struct AttentionCase {
  std::int64_t batch, heads, kv_heads, queries, keys, head_dim;
  bool causal;
};

/// While it exists, attention that learns goes through LibTorch's operations.
class LibTorchLearns {
 public:
  LibTorchLearns() = default;
  LibTorchLearns(LibTorchLearns const&) = delete;
  LibTorchLearns& operator=(LibTorchLearns const&) = delete;
  ~LibTorchLearns() { kernels::detail::learning_attention = ours_; }

 private:
  decltype(kernels::detail::learning_attention) ours_ =
      std::exchange(kernels::detail::learning_attention, nullptr);
};

}  // namespace vcflash::test
