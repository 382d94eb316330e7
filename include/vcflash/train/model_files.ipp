#pragma once

#include <string_view>
#include <utility>

#include <nlohmann/json.hpp>

#include <vcflash/checkpoint/folder.hpp>
#include <vcflash/checkpoint/trained_view.hpp>
#include <vcflash/train/model_files.hpp>

namespace vcflash::train {

namespace detail {

/// A JSON file of the base model; null if there is none.
inline nlohmann::json json_of_base(Start const& start, char const* name) {
  if (!start.weights || !std::filesystem::exists(*start.weights / name)) return {};
  return checkpoint::read_json(*start.weights / name);
}

}  // namespace detail

VCFLASH_INLINE void ModelFiles::write_config(std::filesystem::path const& folder) const {
  auto json = checkpoint::config_of(network, stage, config.recipe,
                                    detail::json_of_base(start, "config.json"));
  json.erase(checkpoint::trained_view_field);  // the base model's
  if (asked_as_trained) {
    json[checkpoint::trained_view_field] =
        checkpoint::to_json({.model = *asked_as_trained,
                             .resolution = network.encoder.resolution,
                             .min_frames = config.recipe.min_frames,
                             .max_frames = config.recipe.max_frames,
                             .sampling = config.recipe.sampling,
                             .time_message = config.time_message});
  }
  json["torch_dtype"] = name_of(config.dtype);
  json["_name_or_path"] = start.name();
  for (auto const& [field, token] : {std::pair{"bos_token_id", chat.begin_of_text},
                                     std::pair{"eos_token_id", chat.end_of_turn}}) {
    auto const id = tokenizer ? tokenizer->id_of(token) : std::nullopt;
    if (id && !json.contains(field)) json[field] = *id;
  }
  checkpoint::write_json(folder / "config.json", json);
}

VCFLASH_INLINE void ModelFiles::write_company(std::filesystem::path const& folder) const {
  if (auto const json = detail::json_of_base(start, "generation_config.json"); !json.is_null()) {
    checkpoint::write_json(folder / "generation_config.json", json);
  }
  if (tokenizer) tokenizer->copy_to(folder);
}

}  // namespace vcflash::train
