#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <vcflash/base/error.hpp>
#include <vcflash/checkpoint/config_check.hpp>
#include <vcflash/checkpoint/trained_view.hpp>

namespace vcflash::checkpoint {

namespace detail {

inline std::string shown(nlohmann::json const& value) {
  return value.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

/// The LLM's part of a configuration: models of several parts may have it in `text_config`.
inline nlohmann::json llm_part(nlohmann::json config) {
  auto const nested = config.find("text_config");
  if (nested != config.end() && nested->is_object()) config.update(nlohmann::json(*nested));
  return config;
}

/// A field that is there and is not null.
inline nlohmann::json const* said(nlohmann::json const& config, char const* field) {
  auto const found = config.find(field);
  return found == config.end() || found->is_null() ? nullptr : &*found;
}

template <class T>
T get_field(nlohmann::json const& config, char const* field, T otherwise,
            std::filesystem::path const& path, std::string_view wanted) {
  auto const* const value = said(config, field);
  if (value == nullptr) return otherwise;
  try {
    return value->get<T>();
  } catch (nlohmann::json::exception const&) {
    throw InputError(
        fmt::format("{}: {} is {}; {} is expected.", path.string(), field, shown(*value), wanted));
  }
}

/// One of the released models: what its `config.json` is told by, and its programs' names.
struct Released {
  std::string_view model, tower;
  std::int64_t hidden;
  double rope_base;
};

inline constexpr std::array released_models{
    Released{"videochat_flash_qwen2_7b_res224", "umt-large", 3584, 1e6},
    Released{"videochat_flash_qwen2_7b_res448", "umt-hd-large", 3584, 1e6},
    Released{"videochat_flash_qwen2_5_2b_res448", "umt-hd-large", 1536, 1e6},
    Released{"videochat_flash_qwen2_5_7b_1m_res224", "umt-large", 3584, 1e7},
    Released{"videochat_flash_qwen2_5_7b_internvideo2_1b", "internvideo2", 3584, 1e6}};

/// The kind of encoder that upstream builds for a name: it looks for these words, in this order.
inline std::string_view tower_kind(std::string_view name) {
  for (std::string_view const kind : {"internvideo2", "umt-hd", "umt", "siglip", "clip"}) {
    if (name.find(kind) != name.npos) return kind;
  }
  return name;
}

/// Refuses a configuration for a field.
class Refusal {
 public:
  /// \param owner what the configuration is compared with
  Refusal(std::string_view owner, nlohmann::json const& config, std::filesystem::path const& path)
      : owner_(owner), config_(config), path_(path) {}

  [[noreturn]] void operator()(std::string_view field, std::string const& found,
                               std::string const& wanted, bool name_program = true) const {
    auto const fitting = name_program ? model_of_folder(config_, path_) : std::string();
    throw InputError(fmt::format(
        "{}: {} is {}, but {} has {}{}.", path_.string(), field, found, owner_, wanted,
        fitting.empty() || fitting == owner_
            ? std::string()
            : fmt::format("; eval-{0} and chat-{0} are the programs of this folder", fitting)));
  }

 private:
  std::string_view owner_;
  nlohmann::json const& config_;
  std::filesystem::path const& path_;
};

inline std::string to_text(RotaryFields const& rotary) {
  if (rotary.scaling.empty()) return "no scaling";
  auto text = fmt::format("{} by {}", rotary.scaling, rotary.factor);
  if (rotary.original > 0) text += fmt::format(" over {} positions", rotary.original);
  return text;
}

inline void compare_llm(LlmFacts const& llm, nlohmann::json const& config,
                        std::filesystem::path const& path, Refusal const& refuse) {
  auto const theirs = llm_part(config);
  auto ours = llm_fields(llm);
  ours["head_dim"] = llm.head_dim;
  ours["hidden_act"] = "silu";
  ours["use_sliding_window"] = false;
  ours.erase("rope_theta");
  for (auto const& [field, value] : ours.items()) {
    auto const* const found = said(theirs, field.c_str());
    if (found != nullptr && *found != value) refuse(field, shown(*found), shown(value));
  }
  auto const rotary = rotary_fields(config, path);
  if (rotary.base > 0 && rotary.base != llm.rope_base) {
    refuse("rope_theta", shown(rotary.base), shown(llm.rope_base));
  }
}

inline void compare_dropping(DroppingFields const& ours, nlohmann::json const& config,
                             std::filesystem::path const& path, Refusal const& refuse) {
  // A model whose type drops may be asked with weights that were trained without.
  if (!get_field(config, "mm_llm_compress", false, path, "true or false")) return;
  auto const text = [](DroppingFields const& fields) {
    if (!fields.drops) return std::string("no dropping of visual tokens");
    return fmt::format("{} behind layers {} with ratios {}", fields.type,
                       shown(nlohmann::json(fields.layers)), shown(nlohmann::json(fields.kept)));
  };
  DroppingFields theirs;
  theirs.drops = true;
  theirs.type = get_field(config, "llm_compress_type", theirs.type, path, "a name");
  theirs.layers =
      get_field(config, "llm_compress_layer_list", theirs.layers, path, "a list of layers");
  theirs.kept =
      get_field(config, "llm_image_token_ratio_list", theirs.kept, path, "a list of ratios");
  bool const same = ours.drops && ours.type == theirs.type && ours.layers == theirs.layers &&
                    ours.kept == theirs.kept;
  if (!same) refuse("mm_llm_compress", "true: " + text(theirs), text(ours), false);
}

}  // namespace detail

VCFLASH_INLINE RotaryFields rotary_fields(nlohmann::json const& config,
                                          std::filesystem::path const& path) {
  using detail::get_field;
  auto const llm = detail::llm_part(config);
  RotaryFields rotary;
  rotary.base = get_field(llm, "rope_theta", 0.0, path, "a number");
  for (char const* const field : {"rope_scaling", "rope_parameters"}) {
    auto const* const scaling = detail::said(llm, field);
    if (scaling == nullptr) continue;
    if (!scaling->is_object()) {
      throw InputError(fmt::format("{}: {} is {}; an object is expected.", path.string(), field,
                                   detail::shown(*scaling)));
    }
    rotary.base = get_field(*scaling, "rope_theta", rotary.base, path, "a number");
    auto const older = get_field<std::string>(*scaling, "type", "default", path, "a name");
    auto const type = get_field(*scaling, "rope_type", older, path, "a name");
    if (type == "default") continue;
    rotary.scaling = type;
    rotary.factor = get_field(*scaling, "factor", 1.0, path, "a number");
    auto const length =
        get_field<std::int64_t>(llm, "max_position_embeddings", 0, path, "a number of positions");
    rotary.original = get_field(*scaling, "original_max_position_embeddings", length, path,
                                "a number of positions");
    bool const llama3 = type == "llama3";
    rotary.fast = get_field(*scaling, llama3 ? "high_freq_factor" : "beta_fast",
                            llama3 ? 4.0 : 32.0, path, "a number");
    rotary.slow =
        get_field(*scaling, llama3 ? "low_freq_factor" : "beta_slow", 1.0, path, "a number");
  }
  return rotary;
}

VCFLASH_INLINE std::optional<kernels::RotaryScaling> scaling_of(RotaryFields const& rotary) {
  if (rotary.scaling.empty()) return kernels::RotaryScaling{};
  if (rotary.scaling == "yarn") {
    return kernels::yarn(rotary.factor, rotary.original, rotary.fast, rotary.slow);
  }
  if (rotary.scaling == "llama3") {
    return kernels::llama3_scaling(rotary.factor, rotary.original, rotary.fast, rotary.slow);
  }
  return {};
}

VCFLASH_INLINE std::string model_of_folder(nlohmann::json const& config,
                                           std::filesystem::path const& path) {
  if (auto const view = trained_view(config, path)) return view->model;
  auto const llm = detail::llm_part(config);
  auto const tower = detail::get_field<std::string>(config, "mm_vision_tower", "", path, "a name");
  auto const hidden = detail::get_field<std::int64_t>(llm, "hidden_size", 0, path, "a number");
  auto const rotary = rotary_fields(config, path);
  for (auto const& released : detail::released_models) {
    if (detail::tower_kind(released.tower) == detail::tower_kind(tower) &&
        released.hidden == hidden && released.rope_base == rotary.base) {
      return std::string(released.model);
    }
  }
  return {};
}

VCFLASH_INLINE void require_llm_config(LlmFacts const& llm, nlohmann::json const& config,
                                       std::filesystem::path const& path) {
  detail::compare_llm(llm, config, path, {std::string_view(llm.name), config, path});
}

VCFLASH_INLINE void require_model_config(NetworkFields const& network, std::string_view model,
                                         nlohmann::json const& config,
                                         std::filesystem::path const& path) {
  detail::Refusal const refuse(model, config, path);
  detail::compare_llm(network.llm, config, path, refuse);

  auto const rotary = rotary_fields(config, path);
  RotaryFields ours{rotary.base, {}, 1, 0};
  if (auto const& scaling = network.llm.scaling; scaling.stretches()) {
    ours = {rotary.base,    std::string(name_of(scaling.kind)),
            scaling.factor, scaling.original_positions,
            scaling.fast,   scaling.slow};
  }
  if (rotary != ours) {
    refuse("rope_scaling", detail::to_text(rotary), detail::to_text(ours), false);
  }

  auto const text = [&](char const* field) {
    return detail::get_field<std::string>(config, field, "", path, "a name");
  };
  if (auto const tower = text("mm_vision_tower");
      !tower.empty() &&
      detail::tower_kind(tower) != detail::tower_kind(network.encoder.upstream_name)) {
    refuse("mm_vision_tower", tower, network.encoder.upstream_name);
  }
  if (auto const kind = text("mm_projector_type"); !kind.empty() && kind != network.projector) {
    refuse("mm_projector_type", kind, network.projector);
  }
  if (auto const& pooling = network.pooling) {
    if (auto const mode = text("mm_spatial_pool_mode"); !mode.empty() && mode != pooling->mode) {
      refuse("mm_spatial_pool_mode", mode, pooling->mode, false);
    }
    auto position = text("mm_newline_position");
    if (position == "no_token") position = name_of(Newline::none);
    if (!position.empty() && position != pooling->newline_position) {
      refuse("mm_newline_position", position, pooling->newline_position, false);
    }
  }
  auto const number = [&](char const* field, std::int64_t wanted) {
    auto const found = detail::get_field(config, field, wanted, path, "a number");
    if (found != wanted) refuse(field, std::to_string(found), std::to_string(wanted));
  };
  if (network.pooling) number("mm_spatial_pool_stride", network.pooling->stride);
  number("mm_local_num_frames", network.encoder.clip_frames);
  if (network.encoder.take_layer) number("mm_vision_select_layer", *network.encoder.take_layer);
  if (auto const view = trained_view(config, path);
      view && view->resolution != network.encoder.resolution) {
    refuse("the resolution it was trained at", fmt::format("{} pixels", view->resolution),
           std::to_string(network.encoder.resolution));
  }
  detail::compare_dropping(network.dropping, config, path, refuse);
}

}  // namespace vcflash::checkpoint
