#include "tests/archetypes/archetypes.hpp"

#include <vcflash/checkpoint/config_json.hpp>
#include <vcflash/infer/generate.hpp>
#include <vcflash/recipe/describe.hpp>
#include <vcflash/recipe/keys.hpp>
#include <vcflash/train/plan.hpp>
#include <vcflash/train/trainer.hpp>

#include <ATen/ops/rand.h>
#include <ATen/ops/tensor.h>

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_all.hpp>
#include <map>
#include <nlohmann/json.hpp>
#include <string>

#include "tests/support/folder.hpp"
#include "tests/train/in_memory.hpp"

using namespace vcflash;
using namespace vcflash::test;
using R = archetypes::least_recipe;

namespace {

R::Network drawn() {
  R::Network network;
  initialize_model<R>(network, 1);
  return network;
}

InMemory samples() { return random_samples(3, 2, R::Encoder::resolution, R::Llm::vocabulary); }

std::map<std::string, at::Tensor> values_of(R::Network const& network) {
  std::map<std::string, at::Tensor> values;
  for (auto const& [key, tensor] : named_parameters(network)) {
    values.emplace(key, tensor.detach().clone());
  }
  return values;
}

}  // namespace

TEST_CASE("what the concepts promise is enough for a loss and its gradients", "[unit]") {
  auto network = drawn();
  set_trained(network, true);
  auto source = samples();
  auto const batch = source.next();
  network.loss(batch).backward();
  for (auto const& parameter : parameters_of(network)) {
    CAPTURE(parameter.key);
    CHECK(parameter.value->grad().defined());
  }
}

TEST_CASE("… and for an answer, with a cache and without", "[unit]") {
  auto const network = drawn();
  at::Tensor const prompt = network.llm.embed(at::tensor({1, 5, 7}).unsqueeze(0));
  infer::GenerateOptions options;
  options.max_new_tokens = 4;
  options.vocabulary = R::Llm::vocabulary;
  auto const generated = infer::generate(network.llm, infer::Prompt(prompt), options);
  REQUIRE(generated.ids.size() == 4);
  std::vector<std::int64_t> all{1, 5, 7};
  for (auto const id : generated.ids) {
    at::Tensor const states =
        network.llm.hidden_states(network.llm.embed(at::tensor(all).unsqueeze(0)));
    CHECK(network.llm.logits(states)[0][-1].argmax().item<std::int64_t>() == id);
    all.push_back(id);
  }
}

TEST_CASE("… to be described, planned and written as a configuration", "[unit]") {
  CHECK_THAT(describe<R>({}), Catch::Matchers::ContainsSubstring("least_recipe: least stage"));
  CHECK_THAT(checkpoint_keys<R>(), Catch::Matchers::ContainsSubstring("head.weight\tBF16\t20,6"));
  auto config = train::default_config<R>();
  auto const plan = train::plan_of<R>(config, {.frames = 2, .text = 5});
  CHECK(plan.peak.total() > 0);
  auto const json = checkpoint::config_of(checkpoint::network_fields<R::Network>(),
                                          checkpoint::stage_fields<R::Stage>(), config.recipe, {});
  CHECK(json.at("hidden_size") == 6);
  CHECK(json.at("mm_vision_tower") == "least");
}

TEST_CASE("… to be trained, saved and loaded", "[unit]") {
  TemporaryFolder const folder;
  auto config = train::default_config<R>();
  auto source = samples();
  train::Trainer<R> trainer(config, {.out = folder / "run"});
  auto const summary = trainer.run(source);
  CHECK(summary.steps_done == 3);
  R::Network loaded;
  train::load_weights<R>(loaded, train::start_of({.out = {}, .init = folder / "run"}), config);
  auto const before = values_of(drawn());
  for (auto const& [key, value] : values_of(loaded)) {
    CAPTURE(key);
    CHECK(value.equal(values_of(trainer.network()).at(key)));
    CHECK_FALSE(value.equal(before.at(key)));
  }
}
