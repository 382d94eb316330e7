#pragma once

#include <fnmatch.h>

#include <ATen/core/Tensor.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/aminmax.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <exception>
#include <iterator>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include <vcflash/base/error.hpp>
#include <vcflash/checkpoint/atomic.hpp>
#include <vcflash/checkpoint/folder.hpp>
#include <vcflash/checkpoint/safetensors.hpp>
#include <vcflash/checkpoint/torch_file.hpp>

namespace vcflash::checkpoint {

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

VCFLASH_INLINE TensorMap read_tensors(std::filesystem::path const& file) {
  TensorMap tensors;
  detail::add_shard(tensors, file);
  return tensors;
}

VCFLASH_INLINE void write_tensors(std::filesystem::path const& file, NamedTensors const& tensors) {
  write_safetensors(file, tensors);
}

VCFLASH_INLINE bool has_weights(std::filesystem::path const& folder) {
  return std::filesystem::exists(folder / single_file) ||
         std::filesystem::exists(folder / index_file);
}

VCFLASH_INLINE TensorMap read_weights(std::filesystem::path const& folder) {
  TensorMap tensors;
  auto const index_path = folder / index_file;
  if (!std::filesystem::is_directory(folder)) {
    throw InputError(fmt::format("{}: is not a folder.", folder.string()));
  }
  if (std::filesystem::exists(folder / single_file)) {
    detail::add_shard(tensors, folder / single_file);
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

VCFLASH_INLINE void KeyReport::require_complete(std::string_view where) const {
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
  if (!not_finite.empty()) {
    clauses.push_back(
        fmt::format("{} with numbers that are not finite, as a training that diverged "
                    "leaves them ({})",
                    not_finite.size(), detail::some_of(not_finite)));
  }
  throw InputError(
      fmt::format("{}: its tensors are not this model's: {}.", where, fmt::join(clauses, ", ")));
}

VCFLASH_INLINE std::vector<std::string> KeyReport::excuse(KeyPatterns const& allowed) {
  auto const excused =
      std::stable_partition(missing.begin(), missing.end(), [&](std::string const& key) {
        return std::ranges::none_of(allowed, [&](std::string const& pattern) {
          return ::fnmatch(pattern.c_str(), key.c_str(), 0) == 0;
        });
      });
  std::vector<std::string> keys(std::make_move_iterator(excused),
                                std::make_move_iterator(missing.end()));
  missing.erase(excused, missing.end());
  return keys;
}

VCFLASH_INLINE std::string left_alone(std::string_view where,
                                      std::vector<std::string> const& keys) {
  return fmt::format("{}: {} of the model's tensors {} missing and start{} as if untrained: {}.",
                     where, keys.size(), keys.size() == 1 ? "is" : "are",
                     keys.size() == 1 ? "s" : "", fmt::join(keys, ", "));
}

namespace detail {

/// Whether no element is NaN or infinite.
inline bool is_finite(Tensor const& tensor) {
  if (tensor.numel() == 0 || !tensor.is_floating_point()) return true;
  auto const [least, most] = at::aminmax(tensor);  // NaN if one is
  return std::isfinite(least.item<double>()) && std::isfinite(most.item<double>());
}

}  // namespace detail

VCFLASH_INLINE KeyReport load_parameters(std::vector<ParameterRef> const& parameters,
                                         TensorMap const& tensors, at::ScalarType dtype,
                                         Storage storage) {
  at::NoGradGuard const no_grad;
  KeyReport report;
  std::set<std::string> used;
  for (auto const& parameter : parameters) {
    auto found = tensors.find(parameter.key);
    bool const converts =
        parameter.converted != nullptr &&
        (found == tensors.end() || found->second.scalar_type() != parameter.dtype_in(dtype));
    if (converts) {
      found = tensors.find(parameter.made_from);
      // What it would be made from was converted already, and this part of it is lost.
      if (found != tensors.end() && !found->second.is_floating_point()) found = tensors.end();
    }
    if (found == tensors.end()) {
      if (!parameter.added) report.missing.push_back(parameter.key);
      continue;
    }
    used.insert(found->first);
    Tensor const stored = converts ? parameter.converted(found->second) : found->second;
    if (stored.sizes() != parameter.shape) {
      report.misshapen.push_back(fmt::format("{} is {}, expected {}", parameter.key,
                                             to_string(stored.sizes()),
                                             to_string(parameter.shape)));
      continue;
    }
    bool const copy = storage == Storage::own;
    *parameter.value =
        stored.to(parameter.dtype_in(dtype), /*non_blocking=*/false, copy).contiguous();
    bool const read = parameter.value->const_data_ptr() != stored.const_data_ptr();
    if ((read || stored.numel() <= read_at_once) && !detail::is_finite(*parameter.value)) {
      report.not_finite.push_back(parameter.key);
    }
  }
  for (auto const& [key, tensor] : tensors) {
    if (!used.contains(key)) report.unexpected.push_back(key);
  }
  return report;
}

namespace detail {

/// A model whose output layer is its embedding table has one of two keys in the wild, or both.
inline void untie(TensorMap& tensors, std::filesystem::path const& folder) {
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

/// Tensors under the network's keys, where it has one for a file's.
inline TensorMap respelled(TensorMap const& stored, NetworkParameters const& network) {
  std::set<std::string> known;
  for (auto const* part : {&network.encoder, &network.connector, &network.llm}) {
    for (auto const& parameter : *part) {
      known.insert(parameter.key);
      if (parameter.converted != nullptr) known.insert(parameter.made_from);
    }
  }
  if (network.tied) known.insert("lm_head.weight");
  auto const knows = [&](std::string const& key) { return known.contains(key); };
  TensorMap tensors;
  std::vector<std::pair<std::string, Tensor>> others;
  for (auto const& [key, tensor] : stored) {
    if (auto name = network.spelling(key, knows); name == key) {
      tensors.emplace(key, tensor);
    } else {
      others.emplace_back(key, tensor);
    }
  }
  for (auto const& [key, tensor] : others) {
    // What is there in two spellings is unexpected in the other one.
    if (!tensors.emplace(network.spelling(key, knows), tensor).second) tensors.emplace(key, tensor);
  }
  return tensors;
}

inline constexpr std::string_view connector_prefix = "model.mm_projector.";
inline constexpr std::string_view encoder_prefix = "model.vision_tower.";
inline constexpr std::string_view line_break = "image_newline";

inline std::set<std::string> keys_of(std::vector<ParameterRef> const& parameters) {
  std::set<std::string> keys;
  for (auto const& parameter : parameters) keys.insert(parameter.key);
  return keys;
}

}  // namespace detail

VCFLASH_INLINE TensorMap read_connector_file(std::filesystem::path const& path) {
  TensorMap tensors;
  for (auto const& [key, tensor] : read_torch_file(path)) {
    if (auto const at = key.find("mm_projector."); at != key.npos) {
      tensors[std::string(detail::connector_prefix) + key.substr(at + 13)] = tensor;
    } else if (key.ends_with(detail::line_break)) {
      tensors["model." + std::string(detail::line_break)] = tensor;
    }
  }
  if (tensors.empty()) {
    throw InputError(
        fmt::format("{}: holds no tensor of a connector (mm_projector.…).", path.string()));
  }
  return tensors;
}

VCFLASH_INLINE TensorMap read_encoder_file(std::filesystem::path const& path,
                                           std::set<std::string> const& known,
                                           KeySpelling const& spelling) {
  TensorMap tensors;
  auto const add = [&](std::string const& key, Tensor const& tensor) {
    auto name = spelling(std::string(detail::encoder_prefix) + key,
                         [&](std::string const& wanted) { return known.contains(wanted); });
    if (known.contains(name)) tensors.emplace(std::move(name), tensor);
  };
  if (std::filesystem::is_directory(path) || path.extension() == ".safetensors") {
    auto const stored =
        std::filesystem::is_directory(path) ? read_weights(path) : read_tensors(path);
    for (auto const& [key, tensor] : stored) add(key, tensor);
  } else {
    for (auto const& [key, tensor] : read_torch_file(path)) add(key, tensor);
  }
  return tensors;
}

VCFLASH_INLINE std::vector<std::string> load_connector(NetworkParameters const& network,
                                                       std::filesystem::path const& path,
                                                       at::ScalarType dtype,
                                                       KeyPatterns const& allow_missing) {
  auto report = load_parameters(network.connector, read_connector_file(path), dtype);
  auto left = report.excuse(allow_missing);
  report.require_complete(path.string());
  return left;
}

VCFLASH_INLINE std::vector<std::string> load_encoder(NetworkParameters const& network,
                                                     std::filesystem::path const& path,
                                                     at::ScalarType dtype,
                                                     KeyPatterns const& allow_missing) {
  auto const known = detail::keys_of(network.encoder);
  auto report =
      load_parameters(network.encoder, read_encoder_file(path, known, network.spelling), dtype);
  auto left = report.excuse(allow_missing);
  report.require_complete(path.string());
  return left;
}

VCFLASH_INLINE std::vector<std::string> load_model(NetworkParameters const& network,
                                                   Weights const& weights, at::ScalarType dtype) {
  auto tensors = detail::respelled(read_weights(weights.folder), network);
  if (network.tied) detail::untie(tensors, weights.folder);
  std::set<std::string> elsewhere;  // what the folder need not have
  std::vector<std::string> left;
  auto const leave = [&](std::vector<std::string> keys) {
    left.insert(left.end(), std::make_move_iterator(keys.begin()),
                std::make_move_iterator(keys.end()));
  };
  auto const leave_out = [&](std::set<std::string> const& keys, std::string_view prefix) {
    std::erase_if(tensors, [&](auto const& entry) {
      return entry.first.starts_with(prefix) || keys.contains(entry.first);
    });
    elsewhere.insert(keys.begin(), keys.end());
  };
  auto const connector = detail::keys_of(network.connector);
  if (weights.connector) {
    leave(load_connector(network, *weights.connector, dtype, weights.allow_missing));
    leave_out(connector, detail::connector_prefix);
  } else if (weights.fresh_connector && std::ranges::none_of(tensors, [&](auto const& entry) {
               return entry.first.starts_with(detail::connector_prefix) ||
                      connector.contains(entry.first);
             })) {
    elsewhere.insert(connector.begin(), connector.end());
  }
  if (weights.encoder) {
    leave(load_encoder(network, *weights.encoder, dtype, weights.allow_missing));
    leave_out(detail::keys_of(network.encoder), detail::encoder_prefix);
  }
  auto report = load_parameters(all_of(network), tensors, dtype, weights.storage);
  std::erase_if(report.missing, [&](std::string const& key) { return elsewhere.contains(key); });
  leave(report.excuse(weights.allow_missing));
  report.require_complete(weights.folder.string());
  return left;
}

VCFLASH_INLINE void save_weights(NamedTensors const& weights, std::filesystem::path const& folder,
                                 std::uint64_t limit) {
  TensorMap const by_name(weights.begin(), weights.end());
  std::vector<SafetensorsEntry> entries;
  for (auto const& [key, tensor] : weights) entries.push_back(entry_of(key, tensor));
  auto const shards = shards_of(std::move(entries), limit);
  for (auto const& shard : shards) {
    NamedTensors tensors;
    for (auto const& entry : shard.entries) {
      tensors.emplace_back(entry.name, by_name.at(entry.name));
    }
    write_tensors(folder / shard.file, tensors);
  }
  if (shards.size() > 1) write_file(folder / index_file, shard_index(shards));
}

VCFLASH_INLINE void save_connector(NamedTensors const& weights,
                                   std::filesystem::path const& folder) {
  write_torch_file(folder / "mm_projector.bin", weights);
}

}  // namespace vcflash::checkpoint
