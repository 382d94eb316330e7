#pragma once

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <vcflash/train/trainer.hpp>

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
  json["torch_dtype"] = name_of(config.dtype);
  json["_name_or_path"] = start.name();
  for (auto const& [field, token] :
       {std::pair{"bos_token_id", "<|endoftext|>"}, std::pair{"eos_token_id", "<|im_end|>"}}) {
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

namespace detail {

VCFLASH_INLINE void require_tokenizer_fits(text::Tokenizer const& tokenizer, LlmConfig const& llm) {
  if (tokenizer.vocabulary() <= llm.vocabulary) return;
  throw InputError(fmt::format("the tokenizer has ids up to {}, but {} has {} rows of embeddings.",
                               tokenizer.vocabulary() - 1, std::string_view(llm.name),
                               llm.vocabulary));
}

VCFLASH_INLINE void clear_earlier_run(std::filesystem::path const& out) {
  for (auto const& checkpoint : running_checkpoints(out)) {
    std::filesystem::remove_all(checkpoint.folder);
  }
  std::filesystem::remove(out / state_file);
}

VCFLASH_INLINE void refuse_to_prolong(std::filesystem::path const& out, std::int64_t steps_done) {
  throw InputError(
      fmt::format("{}: holds a run that ended after {} steps and left no "
                  "checkpoint to go on from; give --resume never to start "
                  "over, or another --out.",
                  out.string(), steps_done));
}

VCFLASH_INLINE std::string nothing_learned(std::int64_t step) {
  return fmt::format("step {}: no token of its conversations is learned from.", step);
}

VCFLASH_INLINE void diverged(std::int64_t step, std::string_view what) {
  throw Error(
      fmt::format("step {}: the {} is not a finite number; a lower train.learning_rate "
                  "may help, or a look at the samples of this step.",
                  step, what));
}

}  // namespace detail

}  // namespace vcflash::train
