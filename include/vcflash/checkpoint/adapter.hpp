#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <vcflash/checkpoint/folder.hpp>
#include <vcflash/meta/separate.hpp>
#include <vcflash/tensor/parameter_list.hpp>

/// Low-rank adapters as PEFT stores them: `adapter_config.json` and `adapter_model.safetensors`.
namespace vcflash::checkpoint {

inline constexpr std::string_view adapter_config_file = "adapter_config.json";
inline constexpr std::string_view adapter_file = "adapter_model.safetensors";

/// What `adapter_config.json` says.
struct AdapterConfig {
  std::int64_t rank = 0;
  double alpha = 0;
  bool rank_stabilized = false;
  std::string base{};  ///< folder or name of the model that is adapted

  /// What a product of two matrices is multiplied by.
  double scaling() const;
};

/// An adapter, its tensors under the keys of the model.
struct Adapter {
  AdapterConfig config;
  TensorMap tensors;
};

/// Whether a folder holds an adapter.
bool has_adapter(std::filesystem::path const& folder);

/// Reads an adapter.
/// \throws InputError naming what is missing, or what it says that is not computed here
Adapter read_adapter(std::filesystem::path const& folder);

/// Writes what a training adds to a base model and changes in it: matrices beside linear layers,
/// and whole tensors of what else learned (PEFT's `modules_to_save`).
/// \param tensors under the keys of the model
void save_adapter(NamedTensors const& tensors, AdapterConfig const& config,
                  std::filesystem::path const& folder);

/// Adds an adapter to the model that it was trained on: W + scaling * B A in fp32, rounded to W's
/// dtype; tensors that it holds whole take the place of the model's.
/// \param model under the keys of the model; tensors that change are new ones
/// \throws InputError naming a tensor that the model lacks or has in another shape
void merge_adapter(TensorMap& model, Adapter const& adapter, std::string_view where);

/// Gives a network an adapter: its matrices where the network has a place for them, else merged as
/// `merge_adapter` does, into tensors that are the network's own.
/// \param network parameters under the keys of the model, that have their values
/// \param where named in errors
/// \throws InputError naming a tensor that the network lacks or has in another shape
void apply_adapter(std::vector<ParameterRef> const& network, Adapter const& adapter,
                   at::ScalarType dtype, std::string_view where);

/// The model that a folder was made from: at the path that it noted, or, if both were moved, beside
/// the folder under the same name.
/// \return none if it is in neither place
std::optional<std::filesystem::path> find_base(std::filesystem::path const& noted,
                                               std::filesystem::path const& folder);

/// Where a model's weights are.
struct ModelSource {
  std::filesystem::path weights;                   ///< a folder that holds a whole model
  std::optional<std::filesystem::path> adapter{};  ///< what a training added to it
};

/// The weights of a folder: its own, or, of one that holds an adapter, those of the model that the
/// adapter names (`find_base`).
/// \throws InputError if that model is not there
ModelSource source_of(std::filesystem::path const& folder);

}  // namespace vcflash::checkpoint

#ifndef VCFLASH_SEPARATE
#include <vcflash/checkpoint/adapter.ipp>
#endif
