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
  Tensor const learning = x.clone().requires_grad_(true);
  CHECK(kernels::operations::merge_tokens().path_of(learning, 8, 1) == nullptr);
  for (std::int64_t const target : {28, 16, 8, 6}) {
    Tensor const plain = kernels::merge_tokens(learning, target, 1).detach();
    CHECK(kernels::merge_tokens(x, target, 1).equal(plain));
    Tensor const slices = at::cat({x, x}, 2).narrow(2, 0, 64);
    CHECK(kernels::merge_tokens(slices, target, 1).equal(plain));
  }
}
