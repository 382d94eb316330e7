#include <vcflash/checkpoint/config_json.hpp>

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_exception.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include "recipes/stage1_internvideo2_tome16_res224_qwen_7b.hpp"
#include "recipes/stage1_umt_tome16_res224_qwen_7b.hpp"
#include "recipes/stage1_umt_tome16_res448_qwen_1_5b.hpp"
#include "recipes/stage2_internvideo2_tome16_res224_qwen_7b.hpp"
#include "recipes/stage2_umt_tome16_res224_qwen_7b.hpp"
#include "recipes/stage2_umt_tome16_res448_qwen_1_5b.hpp"
#include "recipes/stage3_internvideo2_tome16_res224_qwen_7b.hpp"
#include "recipes/stage3_umt_tome16_res224_qwen_7b.hpp"
#include "recipes/stage3_umt_tome16_res448_qwen_1_5b.hpp"
#include "recipes/stage4_umt_tome16_res448_qwen_7b.hpp"
#include "tests/checkpoint/small_recipe.hpp"
#include "tests/support/golden.hpp"

using namespace vcflash;
using Catch::Matchers::ContainsSubstring;
using Catch::Matchers::MessageMatches;

namespace {

/// Compares field by field, so that a difference is named.
template <class R>
void check_against_upstream(std::string const& name, std::string const& llm) {
  CAPTURE(name);
  auto const base = test::golden_json("manifests/configs/" + llm + ".json");
  auto const ours = checkpoint::config_of(checkpoint::network_fields<typename R::Network>(),
                                          checkpoint::stage_fields<typename R::Stage>(),
                                          R::Stage::defaults, base);
  auto const theirs = test::golden_json("manifests/configs/trained/" + name + ".json");
  for (auto const& [field, value] : theirs.items()) {
    CAPTURE(field);
    CHECK(ours.value(field, nlohmann::json("absent")) == value);
  }
}

}  // namespace

TEST_CASE("the ten recipes write the configuration that upstream's training writes", "[golden]") {
  check_against_upstream<recipes::stage1_umt_tome16_res224_qwen_7b>(
      "stage1_umt_tome16_res224_qwen_7b", "qwen2-7b");
  check_against_upstream<recipes::stage2_umt_tome16_res224_qwen_7b>(
      "stage2_umt_tome16_res224_qwen_7b", "qwen2-7b");
  check_against_upstream<recipes::stage3_umt_tome16_res224_qwen_7b>(
      "stage3_umt_tome16_res224_qwen_7b", "qwen2-7b");
  check_against_upstream<recipes::stage4_umt_tome16_res448_qwen_7b>(
      "stage4_umt_tome16_res448_qwen_7b", "qwen2-7b");
  check_against_upstream<recipes::stage1_umt_tome16_res448_qwen_1_5b>(
      "stage1_umt_tome16_res448_qwen_1_5b", "qwen2_5-1_5b");
  check_against_upstream<recipes::stage2_umt_tome16_res448_qwen_1_5b>(
      "stage2_umt_tome16_res448_qwen_1_5b", "qwen2_5-1_5b");
  check_against_upstream<recipes::stage3_umt_tome16_res448_qwen_1_5b>(
      "stage3_umt_tome16_res448_qwen_1_5b", "qwen2_5-1_5b");
  check_against_upstream<recipes::stage1_internvideo2_tome16_res224_qwen_7b>(
      "stage1_internvideo2_tome16_res224_qwen_7b", "qwen2_5-7b");
  check_against_upstream<recipes::stage2_internvideo2_tome16_res224_qwen_7b>(
      "stage2_internvideo2_tome16_res224_qwen_7b", "qwen2_5-7b");
  check_against_upstream<recipes::stage3_internvideo2_tome16_res224_qwen_7b>(
      "stage3_internvideo2_tome16_res224_qwen_7b", "qwen2_5-7b");
}

TEST_CASE("a configuration of another model is refused by field", "[unit]") {
  using Network = test::Small<>::Network;
  auto config = checkpoint::to_json(checkpoint::network_fields<Network>());
  CHECK_NOTHROW(checkpoint::require_config_of(Network::Llm::config, config, "a/config.json"));
  config["rope_theta"] = 1e6;
  CHECK_THROWS_MATCHES(
      checkpoint::require_config_of(Network::Llm::config, config, "a/config.json"), InputError,
      MessageMatches(ContainsSubstring("a/config.json: rope_theta is 1000000.0, but small "
                                       "decoder has 10000.0")));
}
