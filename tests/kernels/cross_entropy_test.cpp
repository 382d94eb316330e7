#include <vcflash/kernels/cross_entropy.hpp>

#include <ATen/ops/randint.h>
#include <ATen/ops/randn.h>

#include <catch2/catch_test_macros.hpp>

using namespace vcflash;

TEST_CASE("cross entropy is the mean negative log probability of the labels", "[unit]") {
  at::Tensor const logits = at::randn({5, 11});
  at::Tensor const labels = at::randint(0, 11, {5}, at::kLong);
  at::Tensor const picked = logits.log_softmax(-1).gather(1, labels.unsqueeze(1));
  CHECK(std::abs(kernels::cross_entropy(logits, labels).item<float>() +
                 picked.mean().item<float>()) < 1e-6F);
}

TEST_CASE("bf16 logits are summed in fp32", "[unit]") {
  at::Tensor const logits = at::randn({5, 11}).to(at::kBFloat16);
  at::Tensor const labels = at::randint(0, 11, {5}, at::kLong);
  CHECK(kernels::cross_entropy(logits, labels)
            .equal(kernels::cross_entropy(logits.to(at::kFloat), labels)));
}
