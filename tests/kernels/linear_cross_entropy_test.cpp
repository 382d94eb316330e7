#include <vcflash/kernels/cross_entropy.hpp>
#include <vcflash/kernels/linear_cross_entropy.hpp>

#include <ATen/ops/linear.h>
#include <ATen/ops/randint.h>
#include <ATen/ops/randn.h>

#include <catch2/catch_test_macros.hpp>

using namespace vcflash;

namespace {

struct Inputs {
  explicit Inputs(at::ScalarType dtype = at::kFloat, std::int64_t tokens = 10)
      : states(at::randn({tokens, 6}).to(dtype).requires_grad_(true)),
        table(at::randn({11, 6}).to(dtype).requires_grad_(true)),
        labels(at::randint(0, 11, {tokens}, at::kLong)) {}

  at::Tensor plain() const { return kernels::cross_entropy(at::linear(states, table), labels); }

  at::Tensor states, table, labels;
};

double distance(at::Tensor const& a, at::Tensor const& b) {
  return (a.to(at::kFloat) - b.to(at::kFloat)).norm().item<double>() /
         b.to(at::kFloat).norm().item<double>();
}

}  // namespace

TEST_CASE("loss and gradients are those of all logits at once, in parts of any size", "[unit]") {
  for (std::int64_t const most : {1, 3, 5, 10, 1024}) {
    CAPTURE(most);
    Inputs const plain;
    Inputs ours;
    ours.states = plain.states.detach().clone().requires_grad_(true);
    ours.table = plain.table.detach().clone().requires_grad_(true);
    ours.labels = plain.labels;
    at::Tensor const expected = plain.plain();
    at::Tensor const loss =
        kernels::linear_cross_entropy(ours.states, ours.table, ours.labels, most);
    CHECK(std::abs(loss.item<float>() - expected.item<float>()) < 1e-6F);
    (expected * 0.25).backward();
    (loss * 0.25).backward();
    CHECK(distance(ours.states.grad(), plain.states.grad()) < 1e-6);
    CHECK(distance(ours.table.grad(), plain.table.grad()) < 1e-6);
  }
}

TEST_CASE("bf16 states and tables get bf16 gradients of an fp32 loss", "[unit]") {
  for (std::int64_t const most : {7, 1024}) {
    Inputs const plain(at::kBFloat16, 40);
    Inputs const ours = plain;
    at::Tensor const loss =
        kernels::linear_cross_entropy(ours.states, ours.table, ours.labels, most);
    CHECK(loss.scalar_type() == at::kFloat);
    CHECK(std::abs(loss.item<float>() - plain.plain().item<float>()) < 1e-4F);
    loss.backward();
    at::Tensor const of_states = ours.states.grad().clone(), of_table = ours.table.grad().clone();
    CHECK(of_states.scalar_type() == at::kBFloat16);
    CHECK(of_table.scalar_type() == at::kBFloat16);
    ours.states.mutable_grad().reset();
    ours.table.mutable_grad().reset();
    plain.plain().backward();
    CHECK(distance(of_states, plain.states.grad()) < 0.01);
    CHECK(distance(of_table, plain.table.grad()) < 0.01);
  }
}

TEST_CASE("what is frozen gets no gradient", "[unit]") {
  Inputs frozen_table;
  frozen_table.table.requires_grad_(false);
  kernels::linear_cross_entropy(frozen_table.states, frozen_table.table, frozen_table.labels)
      .backward();
  CHECK(frozen_table.states.grad().defined());
  CHECK_FALSE(frozen_table.table.grad().defined());

  Inputs frozen;
  frozen.states.requires_grad_(false);
  frozen.table.requires_grad_(false);
  CHECK_FALSE(
      kernels::linear_cross_entropy(frozen.states, frozen.table, frozen.labels).requires_grad());
}

TEST_CASE("a mean over no labels is no number", "[unit]") {
  Inputs const none(at::kFloat, 0);
  CHECK(kernels::linear_cross_entropy(none.states, none.table, none.labels).isnan().item<bool>());
}
