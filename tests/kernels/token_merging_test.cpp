#include <vcflash/kernels/token_merging.hpp>

#include <ATen/ops/cat.h>
#include <ATen/ops/rand.h>
#include <ATen/ops/randint.h>

#include <cmath>

#include "tests/support/golden_tensor.hpp"

using namespace vcflash;
using namespace vcflash::test;

TEST_CASE("tokens merge as upstream merges them", "[golden]") {
  Golden golden("model/tome");
  std::int64_t const heads = golden.json().at("config").at("heads").get<std::int64_t>();
  for (auto const& [name, entry] : golden.json().at("cases").items()) {
    if (!name.starts_with("merge_")) continue;
    std::int64_t const target = std::stoll(name.substr(name.rfind('_') + 1));
    golden.check(
        "out." + name,
        kernels::merge_tokens(formula(entry.at("input").get<std::string>()), target, heads),
        within(2e-6));
  }
  golden.require_all_checked({"out.merge"});
}

TEST_CASE("tokens that are added by a product are those added one by one", "[unit]") {
  at::Tensor const odd = at::rand({2, 12, 8}).requires_grad_(true);
  at::Tensor const moved = at::rand({2, 9, 8}).requires_grad_(true);
  at::Tensor const into = at::randint(0, 12, {2, 9}, at::kLong);
  at::Tensor const one_by_one = kernels::detail::add_one_by_one(odd, moved, into);
  at::Tensor const by_product = kernels::detail::add_by_product(odd, moved, into);
  CHECK(by_product.allclose(one_by_one, 1e-6, 1e-6));
  at::Tensor const weight = at::rand({2, 12, 8});
  (one_by_one * weight).sum().backward();
  at::Tensor const of_odd = odd.grad().clone(), of_moved = moved.grad().clone();
  odd.mutable_grad().reset();
  moved.mutable_grad().reset();
  (by_product * weight).sum().backward();
  CHECK(odd.grad().allclose(of_odd, 1e-6, 1e-6));
  CHECK(moved.grad().allclose(of_moved, 1e-6, 1e-6));
}

TEST_CASE("merging keeps the weighted mean of all tokens", "[unit]") {
  at::Tensor const x = at::rand({2, 64, 8});
  // 64 to 32: every even token goes into an odd one, so each result is a mean of one or more.
  at::Tensor const merged = kernels::merge_tokens(x, 32, 2);
  CHECK(merged.sizes().vec() == Shape{2, 32, 8});
  CHECK(merged.min().item<float>() >= x.min().item<float>());
  CHECK(merged.max().item<float>() <= x.max().item<float>());
}

TEST_CASE("asking for as many tokens as there are changes nothing", "[unit]") {
  at::Tensor const x = at::rand({1, 16, 8});
  CHECK(kernels::merge_tokens(x, 16, 2).equal(x));
}

TEST_CASE("bf16 tokens that learn go through LibTorch's operations, to the same means", "[unit]") {
  // Eight tokens of a direction beside each other: whatever is merged is alike, all means are
  // exact.
  Tensor const centre = at::randint(0, 2, {4, 64}).to(at::kBFloat16) * 2 - 1;
  Tensor const x = centre.repeat_interleave(8, 0).unsqueeze(0);
  if (!kernels::takes_merge_rows(x)) SKIP("the processor has no fast path");
  Tensor const learning = x.clone().requires_grad_(true);
  CHECK_FALSE(kernels::takes_merge_rows(learning));
  for (std::int64_t const target : {28, 16, 8, 6}) {
    Tensor const plain = kernels::merge_tokens(learning, target, 1).detach();
    CHECK(kernels::merge_tokens(x, target, 1).equal(plain));
    Tensor const slices = at::cat({x, x}, 2).narrow(2, 0, 64);
    CHECK(kernels::merge_tokens(slices, target, 1).equal(plain));
  }
}
