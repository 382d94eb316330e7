#include <vcflash/kernels/token_merging.hpp>

#include <ATen/ops/rand.h>

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
