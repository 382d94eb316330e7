#include <vcflash/kernels/merge_rows.hpp>

#include <ATen/ops/ones.h>
#include <ATen/ops/tensor.h>

#include <catch2/catch_test_macros.hpp>
#include <cstdint>
#include <vector>

using namespace vcflash;

namespace {

Tensor places(std::vector<std::int64_t> const& all) { return at::tensor(all).unsqueeze(0); }

}  // namespace

TEST_CASE("kept even tokens stand before odd ones, which are means of what went into them",
          "[unit]") {
  Tensor const tokens = at::tensor(std::vector<float>{1, 2, 3, 4, 5}).view({1, 5, 1});
  Tensor const sizes = at::tensor(std::vector<float>{1, 1, 2, 1, 3}).view({1, 5, 1});
  // Of the even tokens 1, 3 and 5 the first stays, the others go into 4.
  auto const merged =
      kernels::plain::merge_rows({tokens, sizes}, {places({0}), places({1, 2}), places({1, 1})});
  CHECK(merged.sizes.flatten().equal(at::tensor(std::vector<float>{1, 1, 6})));
  CHECK(merged.tokens.flatten().allclose(
      at::tensor(std::vector<float>{1, 2, (3 * 2 + 5 * 3 + 4) / 6.0F})));
}

TEST_CASE("the mean of heads is as long as one", "[unit]") {
  Tensor const x = at::tensor(std::vector<float>{3, 0, 3, 8}).view({1, 1, 4});
  CHECK(kernels::plain::head_means(x, 2).flatten().allclose(
      at::tensor(std::vector<float>{0.6F, 0.8F})));
}

TEST_CASE("rounds go on until as many tokens are left, at most half of them in one", "[unit]") {
  static int rounds;
  rounds = 0;
  auto const count_rounds = [](kernels::Merged const& merged, kernels::Matching const& matching) {
    ++rounds;
    return kernels::plain::merge_rows(merged, matching);
  };
  Tensor const x = at::ones({1, 40, 2});
  Tensor const left = kernels::merge_in_rounds({x, at::ones({1, 40, 1})}, 7, 1,
                                               kernels::plain::head_means, count_rounds);
  CHECK(left.size(1) == 7);
  CHECK(rounds == 3);
}
