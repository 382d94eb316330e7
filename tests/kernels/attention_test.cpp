#include <vcflash/kernels/attention.hpp>

#include <ATen/ops/eye.h>
#include <ATen/ops/full.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/tensor.h>

#include <catch2/catch_test_macros.hpp>
#include <cmath>
#include <limits>
#include <vector>

using namespace vcflash;

namespace {

/// Attention as its formula says, scores and all.
at::Tensor plain_attention(at::Tensor const& q, at::Tensor k, at::Tensor v, bool causal) {
  std::int64_t const group = q.size(1) / k.size(1);
  k = k.repeat_interleave(group, 1);
  v = v.repeat_interleave(group, 1);
  at::Tensor scores = q.matmul(k.transpose(-1, -2)) / std::sqrt(static_cast<double>(q.size(-1)));
  if (causal) {
    std::int64_t const queries = q.size(2), keys = k.size(2);
    at::Tensor const hidden =
        at::full({queries, keys}, -std::numeric_limits<float>::infinity()).triu(keys - queries + 1);
    scores = scores + hidden;
  }
  return scores.softmax(-1).matmul(v);
}

void compare(std::int64_t queries, std::int64_t keys, std::int64_t kv_heads, bool causal) {
  at::Tensor const q = at::randn({2, 4, queries, 8});
  at::Tensor const k = at::randn({2, kv_heads, keys, 8}), v = at::randn({2, kv_heads, keys, 8});
  at::Tensor const difference =
      kernels::attention(q, k, v, causal) - plain_attention(q, k, v, causal);
  CHECK(difference.abs().max().item<float>() < 1e-5F);
}

}  // namespace

TEST_CASE("attention equals its formula", "[unit]") {
  SECTION("of all tokens to all") { compare(6, 6, 4, false); }
  SECTION("of each token to those before it") { compare(6, 6, 4, true); }
  SECTION("with key heads shared by query heads") { compare(6, 6, 2, true); }
  SECTION("of new tokens to a longer past") { compare(3, 9, 2, true); }
  SECTION("of one new token to a longer past") { compare(1, 9, 2, true); }
}

TEST_CASE("one query with shared key heads sees the keys it may see and no others", "[unit]") {
  at::Tensor const q = at::randn({2, 4, 1, 8});
  at::Tensor const k = at::randn({2, 2, 9, 8}), v = at::randn({2, 2, 9, 8});
  at::Tensor const places = at::tensor(std::vector<std::int64_t>{0, 1, 2, 3, 4, 5, 6, 7, 8});
  at::Tensor const seen = places.ge(3).view({1, 1, 1, 9}).expand({2, 1, 1, 9});
  at::Tensor const later = plain_attention(q, k.narrow(2, 3, 6), v.narrow(2, 3, 6), false);
  CHECK((kernels::attention(q, k, v, true, seen) - later).abs().max().item<float>() < 1e-5F);
}

TEST_CASE("attention paid is the softmax of the chosen tokens, averaged over heads", "[unit]") {
  at::Tensor const q = at::randn({4, 6, 8}), k = at::randn({2, 6, 8});
  // Of identity values attention gives its weights.
  at::Tensor const identity = at::eye(6).expand({1, 2, 6, 6});
  at::Tensor const all = plain_attention(q.unsqueeze(0), k.unsqueeze(0), identity, true)[0].mean(0);
  at::Tensor const chosen = at::tensor(std::vector<std::int64_t>{2, 5});
  at::Tensor const paid = kernels::attention_paid(q.index_select(1, chosen), k, chosen);
  CHECK((paid - all.index_select(0, chosen)).abs().max().item<float>() < 1e-6F);
}
