#include <vcflash/checkpoint/config_check.hpp>
#include <vcflash/checkpoint/config_json.hpp>
#include <vcflash/checkpoint/folder.hpp>
#include <vcflash/connectors/pooling.hpp>
#include <vcflash/eval/sha256.hpp>
#include <vcflash/llms/llama.hpp>
#include <vcflash/llms/qwen3.hpp>

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_exception.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include <set>
#include <string>

#include "recipes/models/videochat_flash_qwen2_5_7b_1m_res224.hpp"
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
#include "tests/support/folder.hpp"
#include "tests/support/golden.hpp"

using namespace vcflash;

namespace {

/// What a training of a stage ends with that began with a plain LLM's configuration.
template <Model M, Stage S>
nlohmann::json trained_config(std::string const& llm) {
  auto config = checkpoint::config_of(checkpoint::network_fields<typename M::Network>(),
                                      checkpoint::stage_fields<S>(), S::defaults,
                                      test::golden_json("manifests/configs/" + llm + ".json"));
  config.erase("transformers_version");  // of the plain LLM
  return config;
}

/// Compares field by field, so that a difference is named, then byte by byte.
template <class R>
void check_against_upstream(std::string const& name, std::string const& llm) {
  CAPTURE(name);
  auto const ours = trained_config<R, typename R::Stage>(llm);
  auto const text = test::golden_text("manifests/configs/trained/" + name + ".json");
  auto const theirs = nlohmann::json::parse(text);
  for (auto const& [field, value] : theirs.items()) {
    CAPTURE(field);
    CHECK(ours.value(field, nlohmann::json("absent")) == value);
  }
  CHECK(ours.dump(2) + '\n' == text);
}

/// Compares with a released model's configuration, but for what releases edit by hand.
template <Model M, Stage S>
void check_released(std::string const& name, std::string const& llm) {
  CAPTURE(name);
  auto ours = trained_config<M, S>(llm);
  auto theirs = test::golden_json("manifests/configs/" + name + ".json");
  auto const provenance = test::golden_json("manifests/configs/provenance.json");
  std::set<std::string> by_hand;
  if (auto const& edited = provenance.at("released_minus_trained"); edited.contains(name)) {
    for (auto const& field : edited.at(name)) by_hand.insert(field.get<std::string>());
  } else {
    for (auto const& [field, value] : provenance.at("guessed_fields").at(name).items()) {
      by_hand.insert(field);
    }
  }
  for (auto const& field : by_hand) {
    ours.erase(field);
    theirs.erase(field);
  }
  for (auto const& [field, value] : theirs.items()) {
    CAPTURE(field);
    CHECK(ours.value(field, nlohmann::json("absent")) == value);
  }
  CHECK(ours == theirs);
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

TEST_CASE("the released models have the configurations that their last stages write", "[golden]") {
  using namespace recipes::models;
  check_released<videochat_flash_qwen2_7b_res224, VideoSft>("videochat-flash-qwen2-7b_res224",
                                                            "qwen2-7b");
  check_released<videochat_flash_qwen2_7b_res448, HighResPostSft>("videochat-flash-qwen2-7b_res448",
                                                                  "qwen2-7b");
  check_released<videochat_flash_qwen2_5_2b_res448, VideoSft>("videochat-flash-qwen2_5-2b_res448",
                                                              "qwen2_5-1_5b");
  check_released<videochat_flash_qwen2_5_7b_1m_res224, VideoSft>(
      "videochat-flash-qwen2_5-7b-1m_res224", "qwen2_5-7b-1m");
  check_released<videochat_flash_qwen2_5_7b_internvideo2_1b, VideoSft>(
      "videochat-flash-qwen2_5-7b_internvideo2-1b", "qwen2_5-7b");
}

TEST_CASE("JSON files are written as the plain LLMs' published ones are, byte for byte",
          "[golden]") {
  auto const hashes = test::golden_json("manifests/configs/provenance.json").at("hash_checked");
  test::TemporaryFolder const folder;
  for (auto const& [name, facts] : hashes.items()) {
    CAPTURE(name);
    checkpoint::write_json(folder / "config.json",
                           test::golden_json("manifests/configs/" + name + ".json"));
    auto const text = test::read_file(folder / "config.json");
    CHECK(text.size() == facts.at("bytes"));
    CHECK(eval::sha256(text) == facts.at("sha256"));
  }
  CHECK(hashes.size() == 4);
}

TEST_CASE("a model that drops visual tokens says so as upstream does", "[unit]") {
  using Dropping = AttentionDropping<DropSchedule({1}, {1.0, 0.5})>;
  using Uniform = UniformThenAttention<DropSchedule({2, 4}, {1.0, 0.5, 0.25})>;
  auto const config_of = []<class L>(L const*) {
    using Network = VideoChat<test::Small<>::Encoder, test::Small<>::Connector, L>;
    return checkpoint::config_of(checkpoint::network_fields<Network>(), {}, {}, {});
  };
  constexpr DecoderConfig deep = [] {
    DecoderConfig config = test::small_decoder<false>;
    config.layers = 6;
    return config;
  }();
  auto const plain = config_of(static_cast<Qwen2<deep> const*>(nullptr));
  CHECK(plain.at("mm_llm_compress") == false);
  auto const config = config_of(static_cast<Qwen2<deep>::With<Dropping> const*>(nullptr));
  CHECK(config.at("mm_llm_compress") == true);
  CHECK(config.at("llm_compress_type") == "attention");
  CHECK(config.at("llm_compress_layer_list") == nlohmann::json({1}));
  CHECK(config.at("llm_image_token_ratio_list") == nlohmann::json({1.0, 0.5}));
  auto const uniform = config_of(static_cast<Qwen2<deep>::With<Uniform> const*>(nullptr));
  CHECK(uniform.at("llm_compress_type") == "uniform0_attention");
  CHECK(uniform.at("llm_compress_layer_list") == nlohmann::json({2, 4}));
}

TEST_CASE("a configuration is of the LLM's family", "[unit]") {
  auto const config_of = []<class L>(L const*) {
    using Network = VideoChat<test::Small<>::Encoder, test::Small<>::Connector, L>;
    return checkpoint::config_of(checkpoint::network_fields<Network>(), {}, {}, {});
  };
  static constexpr DecoderConfig small = test::small_decoder<false>, wide = [] {
    DecoderConfig config = test::small_decoder<false>;
    config.own_head_dim = 12;
    config.scaling = kernels::llama3_scaling(8, 64);
    return config;
  }();
  auto const qwen2 = config_of(static_cast<Qwen2<small> const*>(nullptr));
  CHECK(qwen2.at("architectures") == nlohmann::json({"LlavaQwenForCausalLM"}));
  CHECK(qwen2.at("model_type") == "llava_qwen");
  CHECK_FALSE(qwen2.contains("head_dim"));
  auto const qwen3 = config_of(static_cast<Qwen3<wide> const*>(nullptr));
  CHECK(qwen3.at("model_type") == "llava_qwen3");
  CHECK(qwen3.at("head_dim") == 12);
  auto const llama = config_of(static_cast<Llama<wide> const*>(nullptr));
  CHECK(llama.at("architectures") == nlohmann::json({"LlavaLlamaForCausalLM"}));
  CHECK(llama.at("rope_scaling").at("rope_type") == "llama3");
  CHECK(checkpoint::scaling_of(checkpoint::rotary_fields(llama, "c")) == wide.scaling);
}

TEST_CASE("a training's configuration has nothing left of how the base model's positions were",
          "[unit]") {
  using Network = test::Small<>::Network;
  nlohmann::json const base{{"rope_scaling", {{"type", "yarn"}, {"factor", 4.0}}},
                            {"rope_parameters", {{"rope_theta", 5e5}, {"rope_type", "yarn"}}},
                            {"text_config", {{"hidden_size", 99}}},
                            {"dtype", "float16"},
                            {"bos_token_id", 7}};
  auto const config = checkpoint::config_of(checkpoint::network_fields<Network>(), {}, {}, base);
  CHECK(config.at("rope_scaling").is_null());
  CHECK(config.at("rope_theta") == 1e4);
  for (auto const* const field : {"rope_parameters", "text_config", "dtype"}) {
    CHECK_FALSE(config.contains(field));
  }
  CHECK(config.at("bos_token_id") == 7);
}

TEST_CASE("a connector that pools says how, and is refused where a folder was pooled otherwise",
          "[unit]") {
  using Pooled = ModelOf<
      test::Small<>::Encoder,
      PoolingKind<PoolingConfig{
          .name = "pool", .factor = 2, .mode = PoolingMode::average, .newline = Newline::per_row}>,
      test::Small<>::Llm>;
  auto const fields = checkpoint::network_fields<Pooled::Network>();
  auto config = checkpoint::config_of(fields, checkpoint::stage_fields<VideoSft>(),
                                      VideoSft::defaults, nlohmann::json::object());
  CHECK(config.at("mm_projector_type") == "mlp2x_gelu");
  CHECK(config.at("mm_spatial_pool_mode") == "average");
  CHECK(config.at("mm_spatial_pool_stride") == 2);
  CHECK(config.at("mm_newline_position") == "grid");
  CHECK(config.at("mm_patch_merge_type") == "spatial_unpad");
  auto const require = [&] { checkpoint::require_model_config(fields, "pooled", config, "c"); };
  CHECK_NOTHROW(require());
  nlohmann::json const others{{"mm_spatial_pool_mode", "max"},
                              {"mm_spatial_pool_stride", 4},
                              {"mm_newline_position", "frame"}};
  for (auto const& [field, value] : others.items()) {
    auto const before = config;
    config[field] = value;
    CHECK_THROWS_WITH(require(), Catch::Matchers::ContainsSubstring(field));
    config = before;
  }
}
