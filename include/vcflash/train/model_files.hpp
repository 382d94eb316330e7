#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include <vcflash/base/chat_template.hpp>
#include <vcflash/checkpoint/config_json.hpp>
#include <vcflash/meta/separate.hpp>
#include <vcflash/recipe/recipe.hpp>
#include <vcflash/text/tokenizer.hpp>
#include <vcflash/train/config.hpp>
#include <vcflash/train/start.hpp>

namespace vcflash::train {

/// What stands beside a model's weights in its folder.
struct ModelFiles {
  checkpoint::NetworkFields network;
  checkpoint::StageFields stage;
  RunConfig const& config;
  Start const& start;
  text::Tokenizer const* tokenizer;               ///< none: no such files
  std::optional<std::string> asked_as_trained{};  ///< the model's name, if it is asked so
  ChatTemplate chat = ChatTemplate::qwen_2;       ///< of the family of the LLM

  template <RecipeLike R>
  static ModelFiles of(RunConfig const& config, Start const& start,
                       text::Tokenizer const* tokenizer) {
    return {checkpoint::network_fields<typename R::Network>(),
            checkpoint::stage_fields<typename R::Stage>(),
            config,
            start,
            tokenizer,
            name_if_asked_as_trained<R>(),
            *R::Llm::facts.chat};
  }

  /// The name of a recipe's model if it is asked as it was trained.
  template <RecipeLike R>
  static std::optional<std::string> name_if_asked_as_trained() {
    if (!R::asking.as_trained) return {};
    if constexpr (requires { typename R::Base::Asked; }) {
      return std::string(type_name<typename R::Base::Asked>());
    } else {
      return std::string(type_name<typename R::Base>());
    }
  }

  /// `config.json`, which names the base model and the tokenizer's special ids.
  void write_config(std::filesystem::path const& folder) const;

  /// The base model's `generation_config.json` and the tokenizer's files.
  void write_company(std::filesystem::path const& folder) const;
};

}  // namespace vcflash::train

#ifndef VCFLASH_SEPARATE
#include <vcflash/train/model_files.ipp>
#endif
