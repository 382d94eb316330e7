#pragma once

#include <vcflash/app/log.hpp>
#include <vcflash/checkpoint/adapter.hpp>
#include <vcflash/checkpoint/config_check.hpp>
#include <vcflash/checkpoint/folder.hpp>
#include <vcflash/meta/separate.hpp>
#include <vcflash/recipe/recipe.hpp>
#include <vcflash/tensor/placement.hpp>
#include <vcflash/text/tokenizer.hpp>

#include <c10/core/Device.h>
#include <c10/core/ScalarType.h>

#include <fmt/format.h>

#include <filesystem>
#include <string>
#include <string_view>

namespace CLI {
class App;
}

namespace vcflash::app {

/// The flag that says what a model computes in.
void add_dtype(CLI::App& flags, std::string& dtype);

/// \param name "float32", "bfloat16" or "float16"
at::ScalarType dtype_of(std::string const& name);

/// What a model computes in, by the name `dtype_of` takes.
/// \param asked such a name, or "auto": the type of the folder's weights, but float32 for float16
///   on a CPU, where LibTorch is slow in it
/// \throws InputError if "auto" finds no weights
std::string dtype_for(std::string const& asked, std::filesystem::path const& folder,
                      at::Device device);

/// The flag that names an adapter to merge into the model.
void add_adapter(CLI::App& flags, std::filesystem::path& adapter);

/// As `dtype_of` takes it.
constexpr std::string_view dtype_name(at::ScalarType dtype) {
  return dtype == at::kBFloat16 ? "bfloat16" : dtype == at::kHalf ? "float16" : "float32";
}

/// The tokenizer of a folder.
/// \throws InputError if it has more tokens than the LLM has rows for them
text::Tokenizer tokenizer_for(LlmFacts const& llm, std::filesystem::path const& folder);

/// A model's weights and tokenizer, from the folder that a training ended with.
template <Model M>
struct TrainedModel {
  typename M::Network network;
  text::Tokenizer tokenizer;

  /// \param folder of a model, or of an adapter that names the model that it adapts
  /// \param allow_missing keys that the folder need not have; a warning names them
  /// \param adapter a folder whose adapter is merged into the model; empty: the folder's own, if
  /// any \throws InputError if the folder is of another model, naming what differs
  static TrainedModel from_folder(std::filesystem::path const& folder, at::ScalarType dtype,
                                  at::Device device = at::kCPU,
                                  checkpoint::KeyPatterns const& allow_missing = {},
                                  std::filesystem::path const& adapter = {}) {
    auto source = checkpoint::source_of(folder);
    if (!adapter.empty()) source.adapter = adapter;
    auto const config = folder / "config.json";
    checkpoint::require_model_config(checkpoint::network_fields<typename M::Network>(),
                                     type_name<M>(), checkpoint::read_json(config), config);
    TrainedModel model{{}, tokenizer_for(M::Llm::facts, folder)};
    checkpoint::Weights weights;
    weights.folder = source.weights;
    weights.allow_missing = allow_missing;
    weights.storage = checkpoint::Storage::mapped;
    auto const parts = checkpoint::parameters_of_parts(model.network);
    auto const left = checkpoint::load_model(parts, weights, dtype);
    if (source.adapter) {
      checkpoint::apply_adapter(checkpoint::all_of(parts),
                                checkpoint::read_adapter(*source.adapter), dtype,
                                source.adapter->string());
      inform(fmt::format("{} with the adapter of {}", source.weights.string(),
                         source.adapter->string()));
    }
    initialize_rest<M>(model.network, 0, dtype);
    if (!left.empty()) warn(checkpoint::left_alone(folder.string(), left));
    move_to(model.network, device);
    inform(fmt::format("{} in {} on {}", folder.string(), dtype_name(dtype), device.str()));
    return model;
  }
};

}  // namespace vcflash::app

#ifndef VCFLASH_SEPARATE
#include <vcflash/app/trained_model.ipp>
#endif
