#include <vcflash/kernels/rotary.hpp>

#include <ATen/ops/arange.h>
#include <ATen/ops/randn.h>

#include <catch2/catch_test_macros.hpp>

using namespace vcflash;

TEST_CASE("the first position turns nothing and no position changes a length", "[unit]") {
  at::Tensor const x = at::randn({1, 2, 5, 16});
  auto const table = kernels::rotary_table(at::arange(5, at::kLong), 16, 1e4, at::kFloat);
  at::Tensor const turned = kernels::rotate(x, table);
  CHECK(turned.select(2, 0).equal(x.select(2, 0)));
  CHECK((turned.norm(2, {-1}) - x.norm(2, {-1})).abs().max().item<float>() < 1e-5F);
}

TEST_CASE("a product of two turned vectors depends on their distance only", "[unit]") {
  at::Tensor const q = at::randn({1, 1, 1, 16}), k = at::randn({1, 1, 1, 16});
  auto const score = [&](std::int64_t i, std::int64_t j) {
    auto const at_position = [&](at::Tensor const& x, std::int64_t p) {
      return kernels::rotate(
          x, kernels::rotary_table(at::arange(p, p + 1, at::kLong), 16, 1e4, at::kFloat));
    };
    return (at_position(q, i) * at_position(k, j)).sum().item<float>();
  };
  CHECK(std::abs(score(7, 3) - score(14, 10)) < 1e-4F);
}
