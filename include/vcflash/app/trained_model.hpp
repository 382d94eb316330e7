#pragma once

#include <vcflash/app/log.hpp>
#include <vcflash/checkpoint/adapter.hpp>
#include <vcflash/checkpoint/config_check.hpp>
#include <vcflash/checkpoint/folder.hpp>
#include <vcflash/kernels/rotary.hpp>
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

/// How a model's positions are stretched.
/// \param asked "yarn:FACTOR" or "none"; empty: as the folder's config.json says, if that is YaRN,
///   or else as the type does
/// \throws InputError for anything else
kernels::RotaryScaling scaling_for(LlmFacts const& llm, std::string const& asked,
                                   std::filesystem::path const& folder);

/// The flag that `scaling_for` takes.
void add_rope_scaling(CLI::App& flags, std::string& asked);

/// What is said of positions that are stretched otherwise than a type says.
std::string stretching_told(kernels::RotaryScaling const& scaling);

/// What a model is loaded from, and how.
struct ModelRequest {
  std::filesystem::path folder;  ///< of a model, or of an adapter that names the model it adapts
  at::ScalarType dtype = at::kFloat;
  at::Device device = at::kCPU;
  checkpoint::KeyPatterns allow_missing{};  ///< keys that need not be there; a warning names them
  std::filesystem::path adapter{};          ///< to merge into the model; empty: the folder's own
  std::string rope_scaling{};               ///< see `scaling_for`
};

/// A model's weights and tokenizer, from the folder that a training ended with.
template <Model M>
struct TrainedModel {
  typename M::Network network;
  text::Tokenizer tokenizer;

  /// \throws InputError if the folder is of another model, naming what differs
  static TrainedModel from(ModelRequest const& request) {
    auto source = checkpoint::source_of(request.folder);
    if (!request.adapter.empty()) source.adapter = request.adapter;
    auto const config = request.folder / "config.json";
    auto fields = checkpoint::network_fields<typename M::Network>();
    // YaRN is computed whatever the type says; only what is not must be alike.
    fields.llm.scaling = scaling_for(M::Llm::facts, {}, request.folder);
    checkpoint::require_model_config(fields, type_name<M>(), checkpoint::read_json(config), config);
    TrainedModel model{{}, tokenizer_for(M::Llm::facts, request.folder)};
    checkpoint::Weights weights;
    weights.folder = source.weights;
    weights.allow_missing = request.allow_missing;
    weights.storage = checkpoint::Storage::mapped;
    auto const parts = checkpoint::parameters_of_parts(model.network);
    auto const left = checkpoint::load_model(parts, weights, request.dtype);
    if (source.adapter) {
      checkpoint::apply_adapter(checkpoint::all_of(parts),
                                checkpoint::read_adapter(*source.adapter), request.dtype,
                                source.adapter->string());
      inform(fmt::format("{} with the adapter of {}", source.weights.string(),
                         source.adapter->string()));
    }
    initialize_rest<M>(model.network, 0, request.dtype);
    if (!left.empty()) warn(checkpoint::left_alone(request.folder.string(), left));
    auto const scaling = scaling_for(M::Llm::facts, request.rope_scaling, request.folder);
    if constexpr (requires { model.network.llm.scaling = scaling; }) {
      model.network.llm.scaling = scaling;
    }
    if (scaling != M::Llm::facts.scaling) inform(stretching_told(scaling));
    move_to(model.network, request.device);
    inform(fmt::format("{} in {} on {}", request.folder.string(), dtype_name(request.dtype),
                       request.device.str()));
    return model;
  }
};

}  // namespace vcflash::app

#ifndef VCFLASH_SEPARATE
#include <vcflash/app/trained_model.ipp>
#endif
