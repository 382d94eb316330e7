#include <vcflash/kernels/cuda/add_rows.hpp>

#include <vcflash/kernels/merge_rows.hpp>

#include <ATen/ops/rand.h>
#include <ATen/ops/randint.h>

#include <catch2/catch_test_macros.hpp>

using namespace vcflash;

TEST_CASE("tokens that are added by a product are those added one by one", "[unit]") {
  at::Tensor const odd = at::rand({2, 12, 8}).requires_grad_(true);
  at::Tensor const moved = at::rand({2, 9, 8}).requires_grad_(true);
  at::Tensor const into = at::randint(0, 12, {2, 9}, at::kLong);
  at::Tensor const one_by_one = kernels::plain::add_rows(odd, moved, into);
  at::Tensor const by_product = kernels::cuda::add_rows_path().run_with_gradients(odd, moved, into);
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
