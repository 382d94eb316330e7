#include <vcflash/kernels/rotary.hpp>

#include <ATen/ops/arange.h>
#include <ATen/ops/randn.h>

#include <catch2/catch_test_macros.hpp>
#include <cmath>

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

TEST_CASE("YaRN slows the slow pairs by its factor and leaves the fast ones", "[unit]") {
  auto const yarn = kernels::yarn(4, 4096);
  at::Tensor const plain = kernels::rotary_frequencies(128, 1e4, at::kCPU);
  at::Tensor const ratio = plain / kernels::rotary_frequencies(128, 1e4, at::kCPU, yarn);
  CHECK(std::abs(ratio[0].item<float>() - 1) < 1e-6F);
  CHECK(std::abs(ratio[63].item<float>() - 4) < 1e-5F);
  CHECK(kernels::rotary_frequencies(128, 1e4, at::kCPU, {.factor = 1}).equal(plain));
}

TEST_CASE("YaRN lengthens what it turns", "[unit]") {
  auto const yarn = kernels::yarn(4, 64);
  at::Tensor const x = at::randn({1, 2, 5, 16});
  auto const table = kernels::rotary_table(at::arange(5, at::kLong), 16, 1e4, at::kFloat, yarn);
  at::Tensor const longer = kernels::rotate(x, table).norm(2, {-1}) / x.norm(2, {-1});
  CHECK((longer - (0.1 * std::log(4.0) + 1)).abs().max().item<float>() < 1e-5F);
}
