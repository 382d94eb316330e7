#include <vcflash/checkpoint/adapter.hpp>

#include <ATen/ops/allclose.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/zeros.h>

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_all.hpp>
#include <fstream>
#include <nlohmann/json.hpp>

#include <vcflash/base/error.hpp>

#include "tests/support/folder.hpp"

using namespace vcflash;
using namespace vcflash::checkpoint;
using Catch::Matchers::ContainsSubstring;

namespace {

NamedTensors small_adapter() {
  return {{"model.layers.0.self_attn.q_proj.lora_A.weight", at::randn({2, 8})},
          {"model.layers.0.self_attn.q_proj.lora_B.weight", at::randn({6, 2})},
          {"model.mm_projector.mlp.0.weight", at::randn({4, 4})}};
}

}  // namespace

TEST_CASE("an adapter is written and read in PEFT's layout", "[unit]") {
  test::TemporaryFolder const folder;
  auto const tensors = small_adapter();
  save_adapter(tensors, {.rank = 2, .alpha = 8, .base = "base"}, folder.path());
  auto const json = nlohmann::json::parse(std::ifstream(folder.path() / adapter_config_file));
  CHECK(json.at("peft_type") == "LORA");
  CHECK(json.at("target_modules") == nlohmann::json({"q_proj"}));
  CHECK(json.at("modules_to_save") == nlohmann::json({"model.mm_projector.mlp.0"}));
  CHECK(read_tensors(folder.path() / adapter_file)
            .contains("base_model.model.model.layers.0.self_attn.q_proj.lora_A.weight"));
  REQUIRE(has_adapter(folder.path()));
  auto const read = read_adapter(folder.path());
  CHECK(read.config.scaling() == 4);
  CHECK(read.config.base == "base");
  CHECK(read.tensors.size() == 3);
  for (auto const& [key, tensor] : tensors) CHECK(read.tensors.at(key).equal(tensor));
}

TEST_CASE("merging adds the product and replaces what the adapter holds whole", "[unit]") {
  auto const tensors = small_adapter();
  Adapter const adapter{{.rank = 2, .alpha = 8}, {tensors.begin(), tensors.end()}};
  TensorMap model{{"model.layers.0.self_attn.q_proj.weight", at::randn({6, 8})},
                  {"model.mm_projector.mlp.0.weight", at::zeros({4, 4}, at::kBFloat16)}};
  at::Tensor const before = model.at("model.layers.0.self_attn.q_proj.weight");
  merge_adapter(model, adapter, "there");
  at::Tensor const expected = before + tensors[1].second.matmul(tensors[0].second) * 4;
  CHECK(at::allclose(model.at("model.layers.0.self_attn.q_proj.weight"), expected));
  CHECK(model.at("model.mm_projector.mlp.0.weight").scalar_type() == at::kBFloat16);
  CHECK(model.at("model.mm_projector.mlp.0.weight").equal(tensors[2].second.to(at::kBFloat16)));
}

TEST_CASE("an adapter of another model, or of another kind, is refused", "[unit]") {
  test::TemporaryFolder const folder;
  CHECK_THROWS_WITH(read_adapter(folder.path()), ContainsSubstring("adapter_config.json"));
  auto const tensors = small_adapter();
  save_adapter(tensors, {.rank = 2, .alpha = 8}, folder.path());
  TensorMap model;
  CHECK_THROWS_WITH(merge_adapter(model, read_adapter(folder.path()), "there"),
                    ContainsSubstring("which the model does not have"));
  model = {{"model.layers.0.self_attn.q_proj.weight", at::zeros({5, 8})},
           {"model.mm_projector.mlp.0.weight", at::zeros({4, 4})}};
  CHECK_THROWS_WITH(merge_adapter(model, read_adapter(folder.path()), "there"),
                    ContainsSubstring("[6, 8], expected [5, 8]"));
  auto const path = folder.path() / adapter_config_file;
  for (auto const& [field, value] : std::vector<std::pair<char const*, nlohmann::json>>{
           {"use_dora", true}, {"peft_type", "IA3"}, {"rank_pattern", {{"q_proj", 3}}}, {"r", 0}}) {
    auto json = nlohmann::json::parse(std::ifstream(path));
    auto const kept = json;
    json[field] = value;
    std::ofstream(path) << json;
    CHECK_THROWS_WITH(read_adapter(folder.path()), ContainsSubstring(field));
    std::ofstream(path) << kept;
  }
}
