#include <vcflash/kernels/learning_attention.hpp>

#include <ATen/ops/randn.h>

#include <catch2/catch_test_macros.hpp>

#include <array>

#include "tests/kernels/attention_cases.hpp"

using namespace vcflash;

namespace {

struct Learned {
  Tensor mixed;
  std::array<Tensor, 3> gradients;  ///< of queries, keys and values
};

/// Attention and its gradients, in a type.
Learned learned(std::array<Tensor, 3> const& operands, Tensor const& gradient, bool causal,
                at::ScalarType type) {
  std::array<Tensor, 3> leaves;
  for (std::size_t i = 0; i < 3; ++i) {
    leaves[i] = operands[i].to(type).clone().requires_grad_();
  }
  Tensor const mixed = kernels::attention(leaves[0], leaves[1], leaves[2], causal);
  mixed.backward(gradient.to(type));
  return {mixed.detach(), {leaves[0].grad(), leaves[1].grad(), leaves[2].grad()}};
}

double relative_error(Tensor const& one, Tensor const& other) {
  return ((one.to(at::kFloat) - other.to(at::kFloat)).norm() / other.to(at::kFloat).norm())
      .item<double>();
}

}  // namespace

TEST_CASE("gradients of attention in one pass are as exact as LibTorch's", "[unit]") {
  using Case = test::AttentionCase;
  for (auto const& c : {Case{1, 1, 1, 1, 1, 16, false}, Case{2, 4, 4, 100, 100, 64, false},
                        Case{1, 3, 1, 70, 70, 34, true}, Case{2, 14, 2, 130, 300, 64, true},
                        Case{1, 2, 2, 400, 213, 88, false}, Case{1, 7, 1, 60, 431, 128, true},
                        Case{1, 2, 1, 389, 389, 64, true}}) {
    auto const some = [&](std::int64_t heads, std::int64_t tokens) {
      return at::randn({c.batch, tokens, heads, c.head_dim}).to(at::kBFloat16).transpose(1, 2);
    };
    std::array<Tensor, 3> const operands{some(c.heads, c.queries), some(c.kv_heads, c.keys),
                                         some(c.kv_heads, c.keys)};
    if (!kernels::takes_flash_attention(operands[0], operands[1], operands[2])) {
      SKIP("the processor has no fast path");
    }
    Tensor const gradient = some(c.heads, c.queries);
    auto const exact = learned(operands, gradient, c.causal, at::kFloat);
    auto const fast = learned(operands, gradient, c.causal, at::kBFloat16);
    test::LibTorchLearns const plain_path;
    auto const plain = learned(operands, gradient, c.causal, at::kBFloat16);
    CAPTURE(c.heads, c.queries, c.keys, c.head_dim, c.causal);
    CHECK(relative_error(fast.mixed, exact.mixed) < 0.01);
    for (std::size_t i = 0; i < 3; ++i) {
      CAPTURE(i);
      REQUIRE(fast.gradients[i].sizes() == operands[i].sizes());
      // One key has no gradient but what rounding leaves.
      if (c.keys == 1 && i < 2) continue;
      CHECK(relative_error(fast.gradients[i], exact.gradients[i]) <
            1.2 * relative_error(plain.gradients[i], exact.gradients[i]) + 1e-3);
    }
  }
}

TEST_CASE("gradients of attention are the same bits every time", "[unit]") {
  auto const some = [&] { return at::randn({2, 4, 200, 64}).to(at::kBFloat16); };
  std::array<Tensor, 3> const operands{some(), some(), some()};
  Tensor const gradient = some();
  auto const once = learned(operands, gradient, true, at::kBFloat16);
  auto const again = learned(operands, gradient, true, at::kBFloat16);
  for (std::size_t i = 0; i < 3; ++i) CHECK(once.gradients[i].equal(again.gradients[i]));
}
