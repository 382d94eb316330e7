#include <vcflash/planning/dry_run.hpp>

#include <ATen/ops/embedding.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/layer_norm.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/scaled_dot_product_attention.h>
#include <ATen/ops/zeros.h>
#include <torch/csrc/autograd/autograd.h>

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_exception.hpp>
#include <optional>
#include <utility>
#include <vector>

#include <vcflash/base/error.hpp>

using namespace vcflash;
using namespace vcflash::planning;

namespace {

at::TensorOptions meta(at::ScalarType dtype = at::kFloat) {
  return at::TensorOptions(dtype).device(at::kMeta);
}

PartElements all_of(Part part) {
  PartElements elements{};
  elements[static_cast<std::size_t>(part)] = 1;
  return elements;
}

/// What came out of something, and of its backward pass.
using Results = std::vector<Tensor>;

/// Goes forward and backward through operations that LibTorch lacks on the meta device.
Results through_operations(at::TensorOptions options) {
  auto const leaf = [&](std::vector<std::int64_t> const& shape) {
    return at::zeros(shape, options).requires_grad_(true);
  };
  Tensor const table = leaf({11, 16}), gain = leaf({16}), bias = leaf({16});
  Tensor const ids = at::zeros({2, 3}, options.dtype(at::kLong));
  Tensor const x = at::layer_norm(at::embedding(table, ids), {16}, gain, bias);
  Tensor const heads = x.view({2, 3, 4, 4}).transpose(1, 2);
  Tensor const mixed =
      at::scaled_dot_product_attention(heads, heads, heads, std::nullopt, 0.0, /*is_causal=*/true);
  Tensor const chosen =
      mixed.transpose(1, 2).flatten(2).index_select(1, at::zeros({1}, options.dtype(at::kLong)));
  torch::autograd::backward({chosen.sum()}, {});
  return {x, mixed, chosen, table.grad(), gain.grad(), bias.grad()};
}

}  // namespace

TEST_CASE("a dry run counts what lives, what it is for and how much it was at most", "[unit]") {
  DryRun run;
  run.makes(Purpose::weights, Part::llm);
  Tensor const weight = at::empty({100, 10}, meta(at::kBFloat16));
  run.makes(Purpose::activations, Part::encoder);
  {
    Tensor const x = at::empty({1000}, meta());
    Tensor const y = x * 2;
    CHECK(run.now()(Purpose::activations, Part::encoder) == 8000);
    CHECK(x.view({10, 100}).size(0) == 10);  // a view takes nothing
    CHECK(run.now().of(Part::encoder) == 8000);
  }
  CHECK(run.now().total() == 2000);
  CHECK(run.now()(Purpose::weights, Part::llm) == 2000);
  CHECK(run.peak().total() == 10'000);
  CHECK(run.peak().of(Purpose::activations) == 8000);
  CHECK(run.pass_of_peak() == Pass::forward);

  run.attribute(weight, Purpose::optimizer, {300, 0, 700, 0});
  CHECK(run.now()(Purpose::optimizer, Part::encoder) == 600);
  CHECK(run.now()(Purpose::optimizer, Part::llm) == 1400);
  CHECK(run.now().of(Purpose::weights) == 0);
  run.attribute_all(Purpose::optimizer, Purpose::gradients, all_of(Part::connector));
  CHECK(run.now()(Purpose::gradients, Part::connector) == 2000);
  run.begin();
  CHECK(run.peak().total() == 2000);
}

TEST_CASE("operations give on the meta device what they give on the CPU", "[unit]") {
  for (auto const dtype : {at::kFloat, at::kBFloat16}) {
    auto const expected = through_operations(at::TensorOptions(dtype));
    DryRun const run;
    auto const found = through_operations(meta(dtype));
    REQUIRE(found.size() == expected.size());
    for (std::size_t i = 0; i < found.size(); ++i) {
      CAPTURE(i);
      CHECK(found[i].is_meta());
      CHECK(found[i].sizes() == expected[i].sizes());
      CHECK(found[i].strides() == expected[i].strides());
      CHECK(found[i].scalar_type() == expected[i].scalar_type());
    }
  }
}

TEST_CASE("work is counted by pass and by the part that a batch is in", "[unit]") {
  DryRun run;
  Tensor const weight = at::empty({7, 5}, meta()).requires_grad_(true);
  Tensor const input = at::empty({3, 5}, meta()).requires_grad_(true);
  double const product = 2 * 3 * 5 * 7;
  Tensor const x = passing(Part::encoder, Part::connector, input);
  Tensor const y = passing(Part::connector, Part::llm, at::linear(x, weight));
  CHECK(run.work()(Pass::forward, Part::connector) == product);
  CHECK(run.work().total() == product);
  Tensor const square = passing(Part::llm, Part::loss, at::linear(y, y));
  torch::autograd::backward({square.sum()}, {});
  CHECK(run.work()(Pass::forward, Part::llm) == 2 * 3 * 7 * 3);
  CHECK(run.work()(Pass::backward, Part::llm) == 2 * 2 * 3 * 7 * 3);
  CHECK(run.work()(Pass::backward, Part::connector) == 2 * product);
  CHECK(run.work().of(Part::loss) == 0);
  run.begin();
  CHECK(run.work().total() == 0);
}

TEST_CASE("attention costs what its two products do, a half of it if causal", "[unit]") {
  DryRun run;
  auto const cost = [&](bool causal) {
    run.begin();
    Tensor const q = at::empty({2, 3, 10, 4}, meta()).requires_grad_(true);
    Tensor const mixed = at::scaled_dot_product_attention(q, q, q, std::nullopt, 0.0, causal);
    torch::autograd::backward({mixed.sum()}, {});
    return std::pair{run.work().of(Pass::forward), run.work().of(Pass::backward)};
  };
  double const scores = 2.0 * 2 * 3 * 10 * 10 * 4;
  CHECK(cost(false) == std::pair{2 * scores, 5 * scores});
  CHECK(cost(true) == std::pair{scores, 2.5 * scores});
}

TEST_CASE("gradients are told from activations", "[unit]") {
  DryRun run;
  Tensor const weight = at::empty({50, 20}, meta()).requires_grad_(true);
  run.watch_gradients(weight, Part::connector);
  Tensor const y = at::linear(at::empty({4, 20}, meta()), weight);
  torch::autograd::backward({y.sum()}, {});
  CHECK(run.now()(Purpose::gradients, Part::connector) == 50 * 20 * 4);
}

TEST_CASE("memory outlives the dry run that counted it, and dry runs follow each other", "[unit]") {
  Tensor kept;
  {
    DryRun run;
    CHECK_THROWS_AS(DryRun(), Error);
    kept = at::empty({10}, meta());
  }
  DryRun run;
  kept.reset();
  CHECK(run.now().total() == 0);
  Tensor const x = at::empty({10}, meta());
  CHECK(run.now().total() == 40);
}
