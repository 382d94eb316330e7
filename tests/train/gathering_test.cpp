#include <vcflash/train/gathering.hpp>

#include <torch/csrc/autograd/autograd.h>
#include <catch2/catch_test_macros.hpp>

#include <vcflash/base/error.hpp>
#include <vcflash/recipe/recipe.hpp>
#include <vcflash/train/checkpointing.hpp>

#include "tests/checkpoint/small_recipe.hpp"
#include "tests/dist/as_ranks.hpp"
#include "tests/train/in_memory.hpp"

using namespace vcflash;
using namespace vcflash::train;
using namespace std::chrono_literals;

namespace {

template <class R, class Run>
void check_same_gradients() {
  using Network = typename R::Network;
  auto source = test::random_samples(1, 3, R::Encoder::resolution, R::Llm::vocabulary);
  auto const batch = source.next();  // a video, an image and a text
  Network expected;
  initialize_model<R>(expected, 1);
  freeze_as_staged<R>(expected);
  Tensor const loss = expected.loss(batch);
  torch::autograd::backward({loss}, {});
  auto const values = named_parameters(expected);
  auto const failures = test::as_ranks(2, 60s, [&](dist::ProcessGroup& group) {
    Network network;
    initialize_model<R>(network, 1);
    freeze_as_staged<R>(network);
    auto const& prefixes = Network::key_prefixes;
    ShardedParameters parameters(units_of(network.encoder, prefixes[0]),
                                 units_of(network.llm, prefixes[2]),
                                 parameters_of(network.connector, prefixes[1]), group);
    auto const kept = parameters.bytes();
    for (int round = 0; round < 2; ++round) {
      parameters.gather_rest();
      Gathering<Run> const run(parameters, 2);
      Tensor const found = network.loss(batch, 1 << 20, run);
      if (std::abs(found.template item<double>() - loss.template item<double>()) > 1e-6) {
        fail("the loss is ", found.template item<double>());
      }
      torch::autograd::backward({found}, {});
      parameters.release_all();
      if (parameters.bytes() != kept) fail("kept ", parameters.bytes(), " bytes");
      auto const own = named_parameters(network);
      for (std::size_t i = 0; i < own.size(); ++i) {
        Tensor const gradient = own[i].second.grad(), right = values[i].second.grad();
        if (gradient.defined() != right.defined()) fail(own[i].first, " has a gradient or not");
        if (!right.defined()) continue;
        if ((gradient - right).abs().max().template item<double>() > 1e-6) {
          fail(own[i].first, " has another gradient");
        }
        own[i].second.mutable_grad().reset();
      }
    }
  });
  for (auto const& failure : failures) CHECK(failure == "");
}

}  // namespace

TEST_CASE("layers that are gathered when they run give the same loss and gradients", "[unit]") {
  SECTION("everything trained") {
    check_same_gradients<test::SmallRecipe<VisualPretraining>, RunDirectly>();
  }
  SECTION("everything trained, tied embeddings, layers recomputed") {
    check_same_gradients<test::SmallRecipe<VisualPretraining, true>, Recompute>();
  }
  SECTION("a frozen LLM") { check_same_gradients<test::SmallRecipe<HighResPostSft>, Recompute>(); }
  SECTION("adapters of a frozen LLM") {
    check_same_gradients<Training<WithLlmPolicy<test::Small<>, Lora<2>>, LoraSft>, Recompute>();
  }
  SECTION("the connector alone") {
    check_same_gradients<test::SmallRecipe<ConnectorInit>, RunDirectly>();
  }
}
