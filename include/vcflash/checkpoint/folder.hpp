#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/core/grad_mode.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include <vcflash/checkpoint/atomic.hpp>
#include <vcflash/checkpoint/safetensors.hpp>
#include <vcflash/checkpoint/torch_file.hpp>
#include <vcflash/meta/error.hpp>
#include <vcflash/meta/reflect.hpp>
#include <vcflash/tensor/tensor.hpp>

/// Models in Hugging Face's layout: a folder with config.json and model.safetensors, or its shards
/// and their index. Every key is accounted for.
namespace vcflash::checkpoint {

using TensorMap = std::map<std::string, Tensor>;

/// \throws InputError if the file is missing or no JSON object
inline nlohmann::json read_json(std::filesystem::path const& path) {
  std::ifstream file(path);
  if (!file) throw InputError(fmt::format("{}: cannot be opened.", path.string()));
  // The callback bounds the depth, so that parsing builds nothing deep.
  auto const shallow = [](int depth, nlohmann::json::parse_event_t, nlohmann::json&) {
    if (depth > 100) throw InputError("nested too deeply");
    return true;
  };
  try {
    auto json = nlohmann::json::parse(file, shallow);
    if (json.is_object()) return json;
  } catch (std::exception const&) {
  }
  throw InputError(fmt::format("{}: is not a JSON object.", path.string()));
}

/// As `transformers` writes its JSON files: two blanks, sorted keys, a final newline.
inline void write_json(std::filesystem::path const& path, nlohmann::json const& json) {
  write_file(path, json.dump(2) + "\n");
}

namespace detail {

inline void add_shard(TensorMap& tensors, std::filesystem::path const& path) {
  SafetensorsFile const file(path);
  for (auto const& entry : file.entries()) {
    if (!tensors.emplace(entry.name, file.tensor(entry.name)).second) {
      throw InputError(fmt::format("{}: the tensor '{}' is in another file of the folder too.",
                                   path.string(), entry.name));
    }
  }
}

/// "a, b, c and 12 more".
inline std::string some_of(std::vector<std::string> const& names) {
  constexpr std::size_t shown = 8;
  auto const count = std::min(names.size(), shown);
  auto text = fmt::format(
      "{}", fmt::join(names.begin(), names.begin() + static_cast<std::ptrdiff_t>(count), ", "));
  if (names.size() > shown) text += fmt::format(" and {} more", names.size() - shown);
  return text;
}

}  // namespace detail

/// Whether a folder holds a model's weights.
inline bool has_weights(std::filesystem::path const& folder) {
  return std::filesystem::exists(folder / "model.safetensors") ||
         std::filesystem::exists(folder / "model.safetensors.index.json");
}

/// All tensors of a folder by name, as views of the mapped files. With an index, the tensors are
/// those that it names, wherever it says they are.
/// \throws InputError if the folder has no weights or they are not as the index says
inline TensorMap read_weights(std::filesystem::path const& folder) {
  TensorMap tensors;
  auto const index_path = folder / "model.safetensors.index.json";
  if (!std::filesystem::is_directory(folder)) {
    throw InputError(fmt::format("{}: is not a folder.", folder.string()));
  }
  if (std::filesystem::exists(folder / "model.safetensors")) {
    detail::add_shard(tensors, folder / "model.safetensors");
    return tensors;
  }
  if (!std::filesystem::exists(index_path)) {
    throw InputError(
        fmt::format("{}: has neither model.safetensors nor model.safetensors.index"
                    ".json; a folder with a model's weights was expected.",
                    folder.string()));
  }
  auto const index = read_json(index_path);
  auto const map = index.find("weight_map");
  if (map == index.end() || !map->is_object()) {
    throw InputError(fmt::format("{}: has no weight_map.", index_path.string()));
  }
  std::set<std::string> shards, named;
  for (auto const& [key, shard] : map->items()) {
    auto const name = shard.is_string() ? shard.get<std::string>() : std::string();
    if (name.empty() || std::filesystem::path(name).filename() != name || name == "..") {
      throw InputError(fmt::format("{}: puts '{}' in something that is no file of its folder.",
                                   index_path.string(), key));
    }
    shards.insert(name);
    named.insert(key);
  }
  for (auto const& shard : shards) detail::add_shard(tensors, folder / shard);
  std::vector<std::string> lost, extra;
  for (auto const& key : named) {
    if (!tensors.contains(key)) lost.push_back(key);
  }
  for (auto const& [key, tensor] : tensors) {
    if (!named.contains(key)) extra.push_back(key);
  }
  if (!lost.empty() || !extra.empty()) {
    throw InputError(fmt::format(
        "{}: the shards lack {} of its tensors{}{} and hold {} others{}{}. Was the "
        "folder copied completely?",
        index_path.string(), lost.size(), lost.empty() ? "" : ": ", detail::some_of(lost),
        extra.size(), extra.empty() ? "" : ": ", detail::some_of(extra)));
  }
  return tensors;
}

/// How a model's keys and a checkpoint's compare.
struct KeyReport {
  std::vector<std::string> missing, unexpected, misshapen;

  bool complete() const { return missing.empty() && unexpected.empty() && misshapen.empty(); }

  /// \throws InputError listing every kind of difference by name, if there is any
  void require_complete(std::string_view where) const {
    if (complete()) return;
    std::vector<std::string> clauses;
    if (!missing.empty()) {
      clauses.push_back(fmt::format("{} missing ({})", missing.size(), detail::some_of(missing)));
    }
    if (!misshapen.empty()) {
      clauses.push_back(
          fmt::format("{} of another shape ({})", misshapen.size(), detail::some_of(misshapen)));
    }
    if (!unexpected.empty()) {
      clauses.push_back(
          fmt::format("{} unexpected ({})", unexpected.size(), detail::some_of(unexpected)));
    }
    throw InputError(
        fmt::format("{}: its tensors are not this model's: {}.", where, fmt::join(clauses, ", ")));
  }
};

/// Gives every parameter of `model` that `tensors` holds a copy of its tensor.
/// \param dtype what the parameters become; the file's dtypes do not matter
/// \param prefix what the keys of this model begin with; keys that begin otherwise are unexpected
template <class Model>
KeyReport load_parameters(Model& model, TensorMap const& tensors, at::ScalarType dtype,
                          std::string const& prefix = {}) {
  at::NoGradGuard const no_grad;
  KeyReport report;
  std::set<std::string> used;
  for_each_parameter(
      model,
      [&](std::string const& key, auto& parameter) {
        auto const found = tensors.find(key);
        if (found == tensors.end()) {
          report.missing.push_back(key);
          return;
        }
        used.insert(key);
        at::IntArrayRef const shape(parameter.shape.data(), parameter.shape.size());
        if (found->second.sizes() != shape) {
          report.misshapen.push_back(fmt::format(
              "{} is {}, expected {}", key, to_string(found->second.sizes()), to_string(shape)));
          return;
        }
        // Always a copy: memory of torch's own alignment, so that results do not depend on where
        // a file happens to put its bytes.
        parameter.value =
            found->second.to(dtype, /*non_blocking=*/false, /*copy=*/true).contiguous();
      },
      prefix);
  for (auto const& [key, tensor] : tensors) {
    if (!used.contains(key)) report.unexpected.push_back(key);
  }
  return report;
}

/// The tensors of a model under their keys, in the order of declaration.
template <class Model>
NamedTensors named_parameters(Model const& model, std::string const& prefix = {}) {
  NamedTensors tensors;
  for_each_parameter(
      model,
      [&](std::string const& key, auto const& parameter) {
        tensors.emplace_back(key, parameter.value);
      },
      prefix);
  return tensors;
}

namespace detail {

/// A model whose output layer is its embedding table has one of two keys in the wild, or both.
template <class Network>
void untie(TensorMap& tensors, std::filesystem::path const& folder) {
  if constexpr (Network::Llm::config.tied) {
    auto const head = tensors.find("lm_head.weight");
    if (head == tensors.end()) return;
    auto const [table, only_head] = tensors.emplace("model.embed_tokens.weight", head->second);
    if (!only_head && !table->second.equal(head->second)) {
      throw InputError(
          fmt::format("{}: lm_head.weight and model.embed_tokens.weight differ, but "
                      "this model has one table for both.",
                      folder.string()));
    }
    tensors.erase(head);
  }
}

inline constexpr std::string_view connector_prefix = "model.mm_projector.";
inline constexpr std::string_view encoder_prefix = "model.vision_tower.";

}  // namespace detail

/// Upstream's `mm_projector.bin`: keys that contain `mm_projector.` are the connector's, whatever
/// stands before; others are ignored, as upstream does.
inline TensorMap read_connector_file(std::filesystem::path const& path) {
  TensorMap tensors;
  for (auto const& [key, tensor] : read_torch_file(path)) {
    auto const at = key.find("mm_projector.");
    if (at != key.npos)
      tensors[std::string(detail::connector_prefix) + key.substr(at + 13)] = tensor;
  }
  if (tensors.empty()) {
    throw InputError(
        fmt::format("{}: holds no tensor of a connector (mm_projector.…).", path.string()));
  }
  return tensors;
}

/// Upstream's raw UMT file (`UMT-L_f4_vision.pt`): keys that begin with `encoder.` are the
/// encoder's, its norm under another name; the layer that is not run and the position tables,
/// which are computed, are left out with the rest.
template <class Encoder>
TensorMap read_encoder_file(std::filesystem::path const& path) {
  auto const prefix = std::string(detail::encoder_prefix);
  std::set<std::string> known;
  for (auto const& [key, shape] : keys_of<Encoder>(prefix)) known.insert(key);
  TensorMap tensors;
  for (auto const& [key, tensor] : read_torch_file(path)) {
    auto name = key;
    if (name.starts_with("encoder.norm")) name.replace(0, 12, "encoder.vision_layernorm");
    name = prefix + "vision_tower." + name;
    if (known.contains(name)) tensors[name] = tensor;
  }
  return tensors;
}

/// Gives a network the connector of stage 1's file.
template <class Network>
void load_connector(Network& network, std::filesystem::path const& path, at::ScalarType dtype) {
  load_parameters(network.connector, read_connector_file(path), dtype,
                  std::string(detail::connector_prefix))
      .require_complete(path.string());
}

/// Gives a network the encoder of upstream's raw file.
template <class Network>
void load_encoder(Network& network, std::filesystem::path const& path, at::ScalarType dtype) {
  load_parameters(network.encoder, read_encoder_file<typename Network::Encoder>(path), dtype,
                  std::string(detail::encoder_prefix))
      .require_complete(path.string());
}

/// Where a model's weights come from.
struct Weights {
  std::filesystem::path folder;                      ///< the LLM at least
  std::optional<std::filesystem::path> connector{};  ///< `mm_projector.bin`, instead of its own
  std::optional<std::filesystem::path> encoder{};    ///< raw `.pt`, instead of its own
  bool fresh_connector = false;  ///< a folder without a connector leaves the model's own
};

/// Loads a model from a folder, key by key.
/// \param network a connector that the weights may leave alone keeps its values
/// \throws InputError naming what is missing, unexpected or of another shape
template <class Network>
void load_model(Network& network, Weights const& weights, at::ScalarType dtype) {
  auto tensors = read_weights(weights.folder);
  detail::untie<Network>(tensors, weights.folder);
  auto const holds = [&](std::string_view prefix) {
    auto const first = tensors.lower_bound(std::string(prefix));
    return first != tensors.end() && first->first.starts_with(prefix);
  };
  std::vector<std::string_view> elsewhere;  // what the folder need not have
  auto const leave_out = [&](std::string_view prefix) {
    std::erase_if(tensors, [&](auto const& entry) { return entry.first.starts_with(prefix); });
    elsewhere.push_back(prefix);
  };
  if (weights.connector) {
    load_connector(network, *weights.connector, dtype);
    leave_out(detail::connector_prefix);
  } else if (weights.fresh_connector && !holds(detail::connector_prefix)) {
    elsewhere.push_back(detail::connector_prefix);
  }
  if (weights.encoder) {
    load_encoder(network, *weights.encoder, dtype);
    leave_out(detail::encoder_prefix);
  }
  auto report = load_parameters(network, tensors, dtype);
  std::erase_if(report.missing, [&](std::string const& key) {
    return std::ranges::any_of(elsewhere, [&](auto prefix) { return key.starts_with(prefix); });
  });
  report.require_complete(weights.folder.string());
}

/// Writes the weights of a model to `folder` as `transformers` would, in one file.
template <class Network>
void save_weights(Network const& network, std::filesystem::path const& folder) {
  write_safetensors(folder / "model.safetensors", named_parameters(network));
}

/// Writes the connector of a model to `folder` as upstream's stage 1 does.
template <class Network>
void save_connector(Network const& network, std::filesystem::path const& folder) {
  write_torch_file(folder / "mm_projector.bin",
                   named_parameters(network.connector, std::string(detail::connector_prefix)));
}

}  // namespace vcflash::checkpoint
