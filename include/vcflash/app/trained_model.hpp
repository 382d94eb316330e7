#pragma once

#include <vcflash/app/log.hpp>
#include <vcflash/checkpoint/config_json.hpp>
#include <vcflash/checkpoint/folder.hpp>
#include <vcflash/meta/separate.hpp>
#include <vcflash/recipe/recipe.hpp>
#include <vcflash/tensor/placement.hpp>
#include <vcflash/text/tokenizer.hpp>

#include <c10/core/Device.h>
#include <c10/core/ScalarType.h>

#include <filesystem>
#include <string>

namespace vcflash::app {

/// \param name "float32" or "bfloat16"
inline at::ScalarType dtype_of(std::string const& name) {
  return name == "bfloat16" ? at::kBFloat16 : at::kFloat;
}

/// The tokenizer of a folder.
/// \throws InputError if it has more tokens than the LLM has rows for them
text::Tokenizer tokenizer_for(LlmConfig const& llm, std::filesystem::path const& folder);

/// A model's weights and tokenizer, from the folder that a training ended with.
template <Model M>
struct TrainedModel {
  typename M::Network network;
  text::Tokenizer tokenizer;

  /// \param allow_missing keys that the folder need not have; a warning names them
  /// \throws InputError if the folder is of another model, naming what differs
  static TrainedModel from_folder(std::filesystem::path const& folder, at::ScalarType dtype,
                                  at::Device device = at::kCPU,
                                  checkpoint::KeyPatterns const& allow_missing = {}) {
    checkpoint::require_config_of(M::Llm::config, folder / "config.json");
    TrainedModel model{{}, tokenizer_for(M::Llm::config, folder)};
    checkpoint::Weights weights;
    weights.folder = folder;
    weights.allow_missing = allow_missing;
    weights.storage = checkpoint::Storage::mapped;
    auto const left =
        checkpoint::load_model(checkpoint::parameters_of_parts(model.network), weights, dtype);
    if (!left.empty()) {
      initialise_rest<M>(model.network, 0, dtype);
      warn(checkpoint::left_alone(folder.string(), left));
    }
    move_to(model.network, device);
    return model;
  }
};

}  // namespace vcflash::app

#ifndef VCFLASH_SEPARATE
#include <vcflash/app/trained_model.ipp>
#endif
