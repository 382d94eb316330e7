#pragma once

#include <cctype>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include <vcflash/checkpoint/config_json.hpp>

namespace vcflash::checkpoint {

namespace detail {

inline std::string tunable_parts(TrainedParts trained) {
  std::vector<std::string_view> parts;
  if (trained.encoder) parts.push_back("mm_vision_tower");
  if (trained.connector) parts.push_back("mm_mlp_adapter");
  if (trained.llm) parts.push_back("mm_language_model");
  return fmt::format("{}", fmt::join(parts, ","));
}

/// The grids (1x1) to (6x6) of upstream's `anyres_nopad`, in pixels.
inline nlohmann::json grid_pinpoints(std::int64_t resolution) {
  auto grids = nlohmann::json::array();
  for (int columns = 1; columns <= 6; ++columns) {
    for (int rows = 1; rows <= 6; ++rows) {
      grids.push_back({columns * resolution, rows * resolution});
    }
  }
  return grids;
}

inline nlohmann::json to_json(PoolingFields const& pooling) {
  return {{"mm_spatial_pool_mode", pooling.mode},
          {"mm_spatial_pool_stride", pooling.stride},
          {"mm_newline_position", pooling.newline_position},
          // "unpad" is by what upstream ends images with a line break
          {"mm_patch_merge_type",
           pooling.newline_position == name_of(Newline::none) ? "spatial" : "spatial_unpad"}};
}

/// The class of a model whose LLM is of a family, and its `model_type`. Upstream's, of Qwen2, are
/// `LlavaQwenForCausalLM` and `llava_qwen`; LLaVA-NeXT's of Llama follow the same form.
inline std::pair<std::string, std::string> architecture_of(std::string_view family) {
  if (family.empty() || family == "qwen2") family = "qwen";
  std::string named(family);
  named.front() = static_cast<char>(std::toupper(static_cast<unsigned char>(named.front())));
  return {fmt::format("Llava{}ForCausalLM", named), fmt::format("llava_{}", family)};
}

}  // namespace detail

VCFLASH_INLINE nlohmann::json llm_fields(LlmFacts const& llm) {
  return {{"hidden_size", llm.hidden},
          {"num_hidden_layers", llm.layers},
          {"num_attention_heads", llm.heads},
          {"num_key_value_heads", llm.kv_heads},
          {"intermediate_size", llm.intermediate},
          {"vocab_size", llm.vocabulary},
          {"rope_theta", llm.rope_base},
          {"rms_norm_eps", llm.rms_epsilon},
          {"tie_word_embeddings", llm.tied}};
}

VCFLASH_INLINE nlohmann::json rope_scaling(kernels::RotaryScaling const& scaling) {
  nlohmann::json json = {{"type", name_of(scaling.kind)},
                         {"rope_type", name_of(scaling.kind)},
                         {"factor", scaling.factor},
                         {"original_max_position_embeddings", scaling.original_positions}};
  bool const yarn = scaling.kind == kernels::RotaryScaling::Kind::yarn;
  json[yarn ? "beta_fast" : "high_freq_factor"] = scaling.fast;
  json[yarn ? "beta_slow" : "low_freq_factor"] = scaling.slow;
  return json;
}

VCFLASH_INLINE nlohmann::json to_json(NetworkFields const& network) {
  auto json = llm_fields(network.llm);
  if (network.llm.heads * network.llm.head_dim != network.llm.hidden) {
    json["head_dim"] = network.llm.head_dim;
  }
  if (network.llm.scaling.stretches()) json["rope_scaling"] = rope_scaling(network.llm.scaling);
  json["mm_vision_tower"] = network.encoder.upstream_name;
  json["mm_hidden_size"] = network.encoder.width;
  json["mm_local_num_frames"] = network.encoder.clip_frames;
  if (network.encoder.take_layer) json["mm_vision_select_layer"] = *network.encoder.take_layer;
  json["mm_projector_type"] = network.projector;
  return json;
}

VCFLASH_INLINE nlohmann::json config_of(NetworkFields const& network, StageFields const& stage,
                                        Hyperparameters const& run, nlohmann::json const& base) {
  bool const tiles = run.images == ImageLayout::anyres_nopad;
  // Longer than what is trained here, a context is not known to work.
  nlohmann::json json = {{"attention_dropout", 0.0},
                         {"hidden_act", "silu"},
                         {"initializer_range", 0.02},
                         {"max_position_embeddings", network.llm.max_positions},
                         {"max_window_layers", network.llm.layers},
                         {"rope_scaling", nullptr},
                         {"sliding_window", network.llm.max_positions},
                         {"use_sliding_window", false}};
  if (base.is_object()) json.update(base);
  // Positions are as they are trained here, not as the base model had them stretched.
  json["rope_scaling"] = nullptr;
  for (char const* const newer : {"rope_parameters", "text_config", "dtype", "layer_types"}) {
    json.erase(newer);  // said below in the spelling that every version of transformers reads
  }
  json.update(to_json(network));
  json.update(nlohmann::json{
      {"architectures",
       nlohmann::json::array({detail::architecture_of(network.llm.model_type).first})},
      {"model_type", detail::architecture_of(network.llm.model_type).second},
      {"torch_dtype", run.bf16 ? "bfloat16" : "float32"},
      {"use_cache", true},
      {"frame_aspect_ratio", "square"},
      {"frame_grid_pinpoints", nullptr},
      {"image_aspect_ratio", name_of(run.images)},
      {"image_crop_resolution", nullptr},
      {"image_grid_pinpoints",
       tiles ? detail::grid_pinpoints(network.encoder.resolution) : nlohmann::json(nullptr)},
      {"image_split_resolution", nullptr},
      {"llm_compress_layer_list", network.dropping.layers},
      {"llm_compress_type", network.dropping.type},
      {"llm_image_token_ratio_list", network.dropping.kept},
      {"max_num_pixels", 14745600000},
      {"min_slow_num_frames", 4},
      {"mm_close_init", stage.close_init},
      {"mm_llm_compress", network.dropping.drops},
      {"mm_newline_position", tiles ? "nothing" : "one_token"},
      {"mm_num_compress_latents", 128},
      {"mm_num_compress_query_type", "learnable"},
      {"mm_patch_merge_type", tiles ? "spatial_nopad" : "flat"},
      {"mm_pos_num_frames", tiles ? 8 : 4},
      {"mm_projector_lr", run.connector_learning_rate > 0
                              ? nlohmann::json(run.connector_learning_rate)
                              : nlohmann::json(nullptr)},
      {"mm_spatial_pool_mode", "bilinear"},
      {"mm_tunable_parts", detail::tunable_parts(stage.trained)},
      {"mm_use_im_patch_token", false},
      {"mm_use_im_start_end", false},
      {"mm_vision_select_feature", "patch"},
      {"mm_vision_tower_lr", stage.trained.encoder && run.encoder_learning_rate > 0
                                 ? nlohmann::json(run.encoder_learning_rate)
                                 : nlohmann::json(nullptr)},
      {"pos_skipping_range", 4096},
      {"tokenizer_model_max_length", run.max_length},
      {"tokenizer_padding_side", "right"},
      {"use_mm_proj", true},
      {"use_pos_skipping", false},
      {"vision_encode_type", "video_image"},
      {"vision_tower_pretrained", nullptr}});
  if (network.pooling) json.update(detail::to_json(*network.pooling));
  return json;
}

}  // namespace vcflash::checkpoint
