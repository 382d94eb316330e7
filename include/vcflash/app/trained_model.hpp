#pragma once

#include <vcflash/checkpoint/config_json.hpp>
#include <vcflash/checkpoint/folder.hpp>
#include <vcflash/recipe/recipe.hpp>
#include <vcflash/text/tokenizer.hpp>

#include <c10/core/ScalarType.h>
#include <fmt/format.h>

#include <filesystem>
#include <string>
#include <string_view>

namespace vcflash::app {

/// \param name "float32" or "bfloat16"
inline at::ScalarType dtype_of(std::string const& name) {
  return name == "bfloat16" ? at::kBFloat16 : at::kFloat;
}

/// The tokenizer of a folder.
/// \throws InputError if it has more tokens than `M` has rows for them
template <Model M>
text::Tokenizer tokenizer_for(std::filesystem::path const& folder) {
  auto tokenizer = text::Tokenizer::from_folder(folder);
  if (tokenizer.vocabulary() > M::Llm::vocabulary) {
    throw InputError(fmt::format("{}: the tokenizer has {} tokens, but {} has rows for {} only.",
                                 folder.string(), tokenizer.vocabulary(),
                                 std::string_view(M::Llm::name), M::Llm::vocabulary));
  }
  return tokenizer;
}

/// A model's weights and tokenizer, from the folder that a training ended with.
template <Model M>
struct TrainedModel {
  typename M::Network network;
  text::Tokenizer tokenizer;

  /// \throws InputError if the folder is of another model, naming what differs
  static TrainedModel from_folder(std::filesystem::path const& folder, at::ScalarType dtype) {
    auto const config = folder / "config.json";
    checkpoint::require_config_of<typename M::Network>(checkpoint::read_json(config), config);
    TrainedModel model{{}, tokenizer_for<M>(folder)};
    checkpoint::Weights weights;
    weights.folder = folder;
    checkpoint::load_model(model.network, weights, dtype);
    return model;
  }
};

}  // namespace vcflash::app
