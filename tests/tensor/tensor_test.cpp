#include <vcflash/tensor/tensor.hpp>

#include <ATen/TensorOperators.h>
#include <ATen/ops/tensor.h>

#include <catch2/catch_test_macros.hpp>

TEST_CASE("a shape is written as a list", "[unit]") {
  CHECK(vcflash::to_string(std::vector<std::int64_t>{2, 784, 48}) == "[2, 784, 48]");
  CHECK(vcflash::to_string(std::vector<std::int64_t>{}) == "[]");
}

TEST_CASE("arithmetic is LibTorch's, with its operators beside ours", "[unit]") {
  using at::Tensor;
  Tensor const a = at::tensor({1.5F, -2.F}).requires_grad_(), b = at::tensor({3.F, .7F});
  CHECK((at::operator+<Tensor>(a, b)).equal(a + b));
  CHECK((at::operator-<Tensor>(a, b)).equal(a - b));
  CHECK((at::operator*<Tensor>(a, b)).equal(a * b));
  CHECK((at::operator/<Tensor>(a, b)).equal(a / b));
  CHECK((at::operator+<Tensor>(a, .1)).equal(a + .1));
  CHECK((at::operator-<Tensor>(a, .1)).equal(a - .1));
  CHECK((at::operator*<Tensor>(a, .1)).equal(a * .1));
  CHECK((at::operator/<Tensor>(a, .1)).equal(a / .1));
  CHECK((at::operator+<Tensor>(.1, a)).equal(.1 + a));
  CHECK((at::operator-<Tensor>(.1, a)).equal(.1 - a));
  CHECK((at::operator*<Tensor>(.1, a)).equal(.1 * a));
  at::operator*<Tensor>(a, b).sum().backward();
  CHECK(a.grad().equal(b));
}
