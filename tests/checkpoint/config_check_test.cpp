#include <vcflash/checkpoint/config_check.hpp>
#include <vcflash/checkpoint/json_file.hpp>
#include <vcflash/checkpoint/trained_view.hpp>

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_exception.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include <string>
#include <string_view>

#include "recipes/models/videochat_flash_qwen2_5_2b_res448.hpp"
#include "recipes/models/videochat_flash_qwen2_5_7b_1m_res224.hpp"
#include "recipes/models/videochat_flash_qwen2_5_7b_internvideo2_1b.hpp"
#include "recipes/models/videochat_flash_qwen2_7b_res224.hpp"
#include "recipes/models/videochat_flash_qwen2_7b_res448.hpp"
#include "tests/checkpoint/small_recipe.hpp"
#include "tests/support/golden.hpp"

using namespace vcflash;
using Catch::Matchers::ContainsSubstring;

namespace {

using Network = test::Small<>::Network;

nlohmann::json small_config() { return checkpoint::to_json(checkpoint::network_fields<Network>()); }

void require_small(nlohmann::json const& config) {
  checkpoint::require_model_config(checkpoint::network_fields<Network>(), "small", config,
                                   "a/config.json");
}

/// As transformers 5 spells rotary positions.
nlohmann::json with_parameters(double base, std::string const& type = "default") {
  auto config = small_config();
  config.erase("rope_theta");
  config["rope_parameters"] = {{"rope_theta", base}, {"rope_type", type}};
  return config;
}

template <Model M>
void check_released(std::string const& folder) {
  CAPTURE(folder);
  std::string const name(type_name<M>());
  auto const config = test::golden_json("manifests/configs/" + folder + ".json");
  CHECK_NOTHROW(checkpoint::require_model_config(checkpoint::network_fields<typename M::Network>(),
                                                 name, config, folder));
  CHECK(checkpoint::model_of_folder(config, folder) == name);
}

}  // namespace

TEST_CASE("released folders are taken by their own programs", "[golden]") {
  using namespace recipes::models;
  check_released<videochat_flash_qwen2_7b_res224>("videochat-flash-qwen2-7b_res224");
  check_released<videochat_flash_qwen2_7b_res448>("videochat-flash-qwen2-7b_res448");
  check_released<videochat_flash_qwen2_5_2b_res448>("videochat-flash-qwen2_5-2b_res448");
  check_released<videochat_flash_qwen2_5_7b_1m_res224>("videochat-flash-qwen2_5-7b-1m_res224");
  check_released<videochat_flash_qwen2_5_7b_internvideo2_1b>(
      "videochat-flash-qwen2_5-7b_internvideo2-1b");
}

TEST_CASE("a released folder whose tensors fit another model is refused, and its program named",
          "[golden]") {
  using Res448 = recipes::models::videochat_flash_qwen2_7b_res448;
  auto const fields = checkpoint::network_fields<Res448::Network>();
  auto const refusal = [&](std::string const& folder) {
    try {
      checkpoint::require_model_config(fields, "videochat_flash_qwen2_7b_res448",
                                       test::golden_json("manifests/configs/" + folder + ".json"),
                                       "m/config.json");
    } catch (InputError const& error) {
      return std::string(error.what());
    }
    return std::string();
  };
  CHECK_THAT(refusal("videochat-flash-qwen2-7b_res224"),
             ContainsSubstring("m/config.json: mm_vision_tower is umt-large, but "
                               "videochat_flash_qwen2_7b_res448 has umt-hd-large; "
                               "eval-videochat_flash_qwen2_7b_res224 and"));
  CHECK_THAT(refusal("videochat-flash-qwen2_5-7b-1m_res224"),
             ContainsSubstring("chat-videochat_flash_qwen2_5_7b_1m_res224"));
  CHECK(refusal("videochat-flash-qwen2-7b_res448").empty());
}

TEST_CASE("rotary positions are read in every spelling", "[unit]") {
  using checkpoint::rotary_fields;
  CHECK(rotary_fields({{"rope_theta", 1e4}, {"rope_scaling", nullptr}}, "c") ==
        checkpoint::RotaryFields{1e4, "", 1, 0});
  CHECK(rotary_fields({{"rope_parameters", {{"rope_theta", 1e6}, {"rope_type", "default"}}}},
                      "c") == checkpoint::RotaryFields{1e6, "", 1, 0});
  CHECK(rotary_fields({{"text_config", {{"rope_theta", 5e5}}}}, "c").base == 5e5);
  // The length is the model's where the scaling names none.
  CHECK(rotary_fields({{"rope_theta", 1e6},
                       {"max_position_embeddings", 32768},
                       {"rope_scaling", {{"type", "yarn"}, {"factor", 4.0}}}},
                      "c") == checkpoint::RotaryFields{1e6, "yarn", 4, 32768, 32, 1});
  CHECK_THROWS_AS(rotary_fields({{"rope_scaling", "yarn"}}, "c"), InputError);
  CHECK_THROWS_AS(rotary_fields({{"rope_theta", "much"}}, "c"), InputError);
}

TEST_CASE("YaRN is read as both versions of transformers write it", "[golden]") {
  for (std::string const name : {"config.json", "config_4_40.json"}) {
    auto const config = test::golden_json("families/qwen2_yarn/" + name);
    CHECK(checkpoint::rotary_fields(config, name) ==
          checkpoint::RotaryFields{1e6, "yarn", 4, 8192, 32, 1});
  }
}

TEST_CASE("a configuration of another model is refused by field", "[unit]") {
  CHECK_NOTHROW(require_small(small_config()));
  CHECK_NOTHROW(require_small(with_parameters(1e4)));
  auto const refused = [](char const* field, nlohmann::json const& value, std::string const& says) {
    auto config = small_config();
    config[field] = value;
    CHECK_THROWS_WITH(require_small(config), ContainsSubstring("a/config.json: ") &&
                                                 ContainsSubstring(field) &&
                                                 ContainsSubstring(says));
  };
  refused("rope_theta", 1e6, "is 1000000.0, but small has 10000.0");
  refused("hidden_act", "gelu", "\"silu\"");
  refused("head_dim", 4, "but small has 8");
  refused("use_sliding_window", true, "false");
  refused("rope_scaling", {{"rope_type", "linear"}, {"factor", 2.0}}, "linear by 2");
  refused("mm_vision_tower", "internvideo2", "umt");
  refused("mm_projector_type", "mlp2x_gelu", "tome2_mlp_hd2");
  refused("mm_local_num_frames", 8, "but small has 4");
  refused("mm_vision_select_layer", -1, "-2");
  refused("mm_llm_compress", true, "attention behind layers [8,16,24]");
  CHECK_THROWS_WITH(require_small(with_parameters(1e6)), ContainsSubstring("rope_theta"));
  CHECK_THROWS_WITH(require_small(with_parameters(1e4, "yarn")), ContainsSubstring("rope_scaling"));

  auto nested = small_config();
  nested["text_config"] = {{"num_hidden_layers", 7}};
  CHECK_THROWS_WITH(require_small(nested), ContainsSubstring("num_hidden_layers is 7"));
}

TEST_CASE("a folder that was trained at other pixels is refused, and its program named", "[unit]") {
  auto config = small_config();
  checkpoint::TrainedView view{.model = "small8", .resolution = 8};
  config[checkpoint::trained_view_field] = checkpoint::to_json(view);
  CHECK_THROWS_WITH(require_small(config), ContainsSubstring("8 pixels, but small has 16; "
                                                             "eval-small8 and chat-small8"));
  view.resolution = 16;
  config[checkpoint::trained_view_field] = checkpoint::to_json(view);
  CHECK_NOTHROW(require_small(config));
}

TEST_CASE("a training begins with weights of another encoder, or of other lengths", "[unit]") {
  auto const require = [](nlohmann::json const& config) {
    checkpoint::require_llm_config(Network::Llm::facts, config, "a/config.json");
  };
  auto config = small_config();
  config["mm_vision_tower"] = "internvideo2";
  config["rope_scaling"] = {{"type", "yarn"}, {"factor", 4.0}};
  CHECK_NOTHROW(require(config));
  config["num_hidden_layers"] = 7;
  CHECK_THROWS_WITH(require(config), ContainsSubstring("but small decoder has 2"));
}
