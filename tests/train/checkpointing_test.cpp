#include <vcflash/kernels/cpu/flash_attention.hpp>
#include <vcflash/kernels/linear.hpp>
#include <vcflash/kernels/rms_norm.hpp>
#include <vcflash/kernels/swiglu.hpp>
#include <vcflash/train/checkpointing.hpp>

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/tanh.h>

#include <catch2/catch_test_macros.hpp>
#include <map>
#include <string>

#include "tests/checkpoint/small_recipe.hpp"
#include "tests/kernels/with_fast_paths.hpp"
#include "tests/train/in_memory.hpp"

using namespace vcflash;
using train::Recompute;

TEST_CASE("recomputed layers give the gradients of kept ones, bit for bit", "[unit]") {
  using R = test::SmallRecipe<VisualPretraining>;
  auto source = test::random_samples(1, 3, R::Encoder::resolution, R::Llm::vocabulary);
  auto const samples = source.next();
  R::Network kept, recomputed;
  for (auto* const network : {&kept, &recomputed}) {
    initialize_model<R>(*network, 1);
    freeze_as_staged<R>(*network);
  }
  Tensor const loss = kept.loss(samples);
  Tensor const same = recomputed.loss(samples, 1000, Recompute{});
  CHECK(loss.equal(same));
  loss.backward();
  same.backward();
  std::map<std::string, Tensor> gradients;
  for_each_parameter(kept,
                     [&](std::string const& key, auto& p) { gradients[key] = p.value.grad(); });
  for_each_parameter(recomputed, [&](std::string const& key, auto& p) {
    CAPTURE(key);
    REQUIRE(p.value.grad().defined());
    CHECK(p.value.grad().equal(gradients.at(key)));
  });
}

TEST_CASE("without fast paths, layers of bf16 are recomputed bit for bit", "[unit]") {
  test::WithFastPaths const off(kernels::FastPaths::off);
  auto const some = [](at::IntArrayRef shape) { return at::randn(shape).to(at::kBFloat16); };
  Tensor const gain = some({96}), gate = some({64, 96}), up = some({64, 96});
  auto const layer = [=](Tensor const& x) {
    Tensor const normalized = kernels::rms_norm(x, gain, 1e-6);
    return kernels::swiglu(kernels::linear(normalized, gate), kernels::linear(normalized, up));
  };
  for (std::int64_t const rows : {1, 500}) {
    Tensor const x = some({rows, 96}).requires_grad_(true);
    Tensor const same = x.detach().clone().requires_grad_(true);
    Tensor const kept = layer(x), recomputed = Recompute{}(layer, same);
    CHECK(recomputed.equal(kept));
    Tensor const gradient = some(kept.sizes());
    kept.backward(gradient);
    recomputed.backward(gradient);
    CHECK(same.grad().equal(x.grad()));
  }
}

TEST_CASE("programs that share what is compiled once have gradients for attention's fast path",
          "[unit]") {
  CHECK(kernels::cpu::attention_path().run_with_gradients != nullptr);
}

TEST_CASE("a layer runs once without a gradient to hand on, twice with one", "[unit]") {
  int runs = 0;
  auto const layer = [&runs](Tensor const& x) {
    ++runs;
    return at::tanh(x);
  };
  Tensor x = at::randn({3});
  Recompute{}(layer, x);
  CHECK(runs == 1);
  x.requires_grad_(true);
  runs = 0;
  Recompute{}(layer, x).sum().backward();
  CHECK(runs == 2);
  Tensor const own = x.detach().clone().requires_grad_(true);
  at::tanh(own).sum().backward();
  CHECK(x.grad().equal(own.grad()));
}
