#include <vcflash/layers/lora.hpp>
#include <vcflash/llms/qwen2.hpp>
#include <vcflash/tensor/initialize.hpp>
#include <vcflash/tensor/placement.hpp>

#include <ATen/core/grad_mode.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/randn.h>

#include <catch2/catch_test_macros.hpp>
#include <cmath>
#include <set>

using namespace vcflash;

namespace {

using Small = Qwen2<DecoderConfig{.name = "small",
                                  .hidden = 32,
                                  .layers = 2,
                                  .heads = 4,
                                  .kv_heads = 2,
                                  .intermediate = 48,
                                  .vocabulary = 60}>;

std::set<std::string> trained_keys(auto& model) {
  set_trained(model, true);
  std::set<std::string> keys;
  for (auto const& parameter : parameters_of(model)) {
    if (parameter.value->requires_grad()) keys.insert(parameter.key);
  }
  return keys;
}

}  // namespace

TEST_CASE("an adapter adds a product of two small matrices to a frozen layer", "[unit]") {
  LoraLinear<Linear<8, 6>, 8, 6, LoraConfig{.rank = 4, .alpha = 8}> layer;
  initialize(layer, {.weight = 0.5}, 1);
  at::Tensor const x = at::randn({3, 8});
  at::Tensor const base = at::linear(x, layer.base_layer.weight.value, layer.base_layer.bias.value);
  CHECK(layer(x).equal(base));  // it begins as the layer was
  CHECK(layer.lora_A.value.abs().max().item<double>() <= 1 / std::sqrt(8.0));
  layer.lora_B.value = at::randn({6, 4});
  at::Tensor const change = layer.lora_B.value.matmul(layer.lora_A.value) * 2;
  CHECK((layer(x) - (base + x.matmul(change.t()))).abs().max().item<float>() < 1e-5F);
  CHECK(LoraConfig{.rank = 16, .alpha = 32, .rank_stabilized = true}.scaling() == 8);
}

TEST_CASE("the keys of a network stay and PEFT's are added", "[unit]") {
  using Adapting = Small::With<Lora<4>>;
  STATIC_CHECK(LanguageModel<Adapting>);
  STATIC_CHECK(key_count<Adapting> == key_count<Small> + 2 * 7 * 2);
  Adapting llm;
  initialize(llm, {}, 1);
  auto const trained = trained_keys(llm);
  CHECK(trained.size() == 2 * 7 * 2);
  CHECK(trained.contains("model.layers.1.self_attn.q_proj.lora_A.weight"));
  CHECK(trained.contains("model.layers.0.mlp.down_proj.lora_B.weight"));
  std::set<std::string> keys;
  for (auto const& parameter : parameters_of(llm)) {
    keys.insert(parameter.key);
    CHECK(parameter.added == trained.contains(parameter.key));
  }
  for (auto const& entry : keys_of<Small>()) CHECK(keys.contains(entry.key));
}

TEST_CASE("an adapter has the layers that it is asked for, and norms if they are to learn",
          "[unit]") {
  Small::With<Lora<2, 4, query_and_value>> few;
  initialize(few, {}, 1);
  CHECK(trained_keys(few).size() == 2 * 2 * 2);
  Small::With<Adapted<LoraConfig{.rank = 2, .targets = query_and_value, .norms = true}>> norms;
  initialize(norms, {}, 1);
  CHECK(trained_keys(norms).size() == 2 * 2 * 2 + 2 * 2 + 1);
}

TEST_CASE("adapters and dropping go together, in either order", "[unit]") {
  using Dropping = AttentionDropping<DropSchedule{{1}, {1.0, 0.5}}>;
  STATIC_CHECK(
      std::same_as<Small::With<Lora<4>>::With<Dropping>, Small::With<Dropping>::With<Lora<4>>>);
  STATIC_CHECK(DropsVisualTokens<Small::With<Lora<4>>::With<Dropping>>);
}

TEST_CASE("an untrained adapter changes nothing", "[unit]") {
  at::NoGradGuard const no_grad;
  Small plain;
  Small::With<Lora<4>> adapted;
  initialize(plain, {.weight = 0.2}, 1);
  initialize(adapted, {.weight = 0.2}, 2);
  std::map<std::string, at::Tensor*> ours;
  for (auto const& parameter : parameters_of(adapted)) ours[parameter.key] = parameter.value;
  for (auto const& parameter : parameters_of(plain)) *ours.at(parameter.key) = *parameter.value;
  at::Tensor const x = at::randn({1, 5, 32});
  CHECK(adapted.hidden_states(x).equal(plain.hidden_states(x)));
}
