#pragma once

#include <ATen/core/grad_mode.h>

#include <map>
#include <set>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <vcflash/base/error.hpp>
#include <vcflash/checkpoint/adapter.hpp>
#include <vcflash/checkpoint/json_file.hpp>
#include <vcflash/checkpoint/safetensors.hpp>
#include <vcflash/layers/lora.hpp>
#include <vcflash/tensor/tensor.hpp>

namespace vcflash::checkpoint {

namespace detail {

inline constexpr std::string_view peft_prefix = "base_model.model.";
inline constexpr std::string_view lora_a = ".lora_A.weight", lora_b = ".lora_B.weight";

/// The module that a key belongs to: what stands before its last dot.
inline std::string module_of(std::string_view key) {
  auto const dot = key.rfind('.');
  return std::string(key.substr(0, dot == key.npos ? 0 : dot));
}

/// The name of a module without those that it stands in.
inline std::string last_name(std::string_view module) {
  auto const dot = module.rfind('.');
  return std::string(dot == module.npos ? module : module.substr(dot + 1));
}

}  // namespace detail

VCFLASH_INLINE double AdapterConfig::scaling() const {
  return lora_scaling(alpha, rank, rank_stabilized);
}

VCFLASH_INLINE bool has_adapter(std::filesystem::path const& folder) {
  return std::filesystem::exists(folder / adapter_config_file);
}

VCFLASH_INLINE Adapter read_adapter(std::filesystem::path const& folder) {
  auto const path = folder / adapter_config_file;
  if (!has_adapter(folder)) {
    throw InputError(fmt::format("{}: has no {}; a folder with an adapter was expected.",
                                 folder.string(), adapter_config_file));
  }
  auto const json = read_json(path);
  auto const refuse = [&](std::string_view field, std::string const& found,
                          std::string_view expected) {
    throw InputError(
        fmt::format("{}: {} is {}; {} is expected.", path.string(), field, found, expected));
  };
  auto const value = [&](char const* field) {
    auto const found = json.find(field);
    return found == json.end() ? nlohmann::json() : *found;
  };
  if (auto const type = value("peft_type"); type != "LORA") {
    refuse("peft_type", type.dump(), "\"LORA\"");
  }
  // What changes the numbers and is not computed here must be as if it were not there.
  for (char const* const field : {"use_dora", "fan_in_fan_out", "lora_bias"}) {
    if (auto const found = value(field); !found.is_null() && found != false) {
      refuse(field, found.dump(), "false");
    }
  }
  if (auto const bias = value("bias"); !bias.is_null() && bias != "none") {
    refuse("bias", bias.dump(), "\"none\"");
  }
  for (char const* const field : {"rank_pattern", "alpha_pattern"}) {
    if (auto const found = value(field); found.is_object() && !found.empty()) {
      refuse(field, found.dump(), "one rank and one alpha for all layers");
    }
  }
  Adapter adapter;
  auto const rank = value("r"), alpha = value("lora_alpha");
  if (!rank.is_number_integer() || rank < 1) refuse("r", rank.dump(), "a rank of at least 1");
  if (!alpha.is_number()) refuse("lora_alpha", alpha.dump(), "a number");
  adapter.config.rank = rank.get<std::int64_t>();
  adapter.config.alpha = alpha.get<double>();
  adapter.config.rank_stabilized = value("use_rslora") == true;
  if (auto const base = value("base_model_name_or_path"); base.is_string()) {
    adapter.config.base = base.get<std::string>();
  }
  auto const file = folder / adapter_file;
  for (auto& [key, tensor] : read_tensors(file)) {
    if (!key.starts_with(detail::peft_prefix)) {
      throw InputError(fmt::format("{}: the key {} does not begin with {}.", file.string(), key,
                                   detail::peft_prefix));
    }
    adapter.tensors.emplace(key.substr(detail::peft_prefix.size()), tensor);
  }
  return adapter;
}

VCFLASH_INLINE void save_adapter(NamedTensors const& tensors, AdapterConfig const& config,
                                 std::filesystem::path const& folder) {
  std::set<std::string> targets, whole;
  NamedTensors stored;
  for (auto const& [key, tensor] : tensors) {
    stored.emplace_back(std::string(detail::peft_prefix) + key, tensor);
    if (key.ends_with(detail::lora_a)) {
      targets.insert(
          detail::last_name(std::string_view(key).substr(0, key.size() - detail::lora_a.size())));
    } else if (!key.ends_with(detail::lora_b)) {
      whole.insert(detail::module_of(key));
    }
  }
  nlohmann::json json = {{"peft_type", "LORA"},
                         {"task_type", "CAUSAL_LM"},
                         {"base_model_name_or_path", config.base},
                         {"r", config.rank},
                         {"lora_alpha", config.alpha},
                         {"lora_dropout", 0.0},
                         {"use_rslora", config.rank_stabilized},
                         {"use_dora", false},
                         {"bias", "none"},
                         {"fan_in_fan_out", false},
                         {"inference_mode", true},
                         {"target_modules", targets},
                         {"modules_to_save", nullptr}};
  if (!whole.empty()) json["modules_to_save"] = whole;
  write_tensors(folder / adapter_file, stored);
  write_json(folder / adapter_config_file, json);
}

VCFLASH_INLINE void merge_adapter(TensorMap& model, Adapter const& adapter,
                                  std::string_view where) {
  auto const tensor_of = [&](std::string const& key) -> Tensor& {
    auto const found = model.find(key);
    if (found == model.end()) {
      throw InputError(fmt::format("{}: adapts {}, which the model does not have.", where, key));
    }
    return found->second;
  };
  auto const require_shape = [&](std::string const& key, at::IntArrayRef found,
                                 at::IntArrayRef expected) {
    if (found == expected) return;
    throw InputError(fmt::format("{}: makes {} {}, expected {}.", where, key, to_string(found),
                                 to_string(expected)));
  };
  for (auto const& [key, tensor] : adapter.tensors) {
    if (key.ends_with(detail::lora_b)) continue;
    if (!key.ends_with(detail::lora_a)) {
      Tensor& replaced = tensor_of(key);
      require_shape(key, tensor.sizes(), replaced.sizes());
      replaced = tensor.to(replaced.scalar_type());
      continue;
    }
    auto const module = key.substr(0, key.size() - detail::lora_a.size());
    auto const up = adapter.tensors.find(module + std::string(detail::lora_b));
    if (up == adapter.tensors.end()) {
      throw InputError(fmt::format("{}: has lora_A of {} and no lora_B.", where, module));
    }
    Tensor& weight = tensor_of(module + ".weight");
    Tensor const change = up->second.to(at::kFloat).matmul(tensor.to(at::kFloat));
    require_shape(module, change.sizes(), weight.sizes());
    weight = (weight.to(at::kFloat) + change * adapter.config.scaling()).to(weight.scalar_type());
  }
}

VCFLASH_INLINE void apply_adapter(std::vector<ParameterRef> const& network, Adapter const& adapter,
                                  at::ScalarType dtype, std::string_view where) {
  at::NoGradGuard const no_grad;
  std::map<std::string_view, ParameterRef const*> by_key;
  for (auto const& parameter : network) by_key.emplace(parameter.key, &parameter);
  Adapter merged{adapter.config, {}};
  for (auto const& [key, tensor] : adapter.tensors) {
    auto const place = by_key.find(key);
    if (place == by_key.end()) {
      merged.tensors.emplace(key, tensor);
      continue;
    }
    auto const& parameter = *place->second;
    if (tensor.sizes() != parameter.shape) {
      throw InputError(fmt::format("{}: {} is {}, expected {}.", where, key,
                                   to_string(tensor.sizes()), to_string(parameter.shape)));
    }
    *parameter.value = tensor.to(parameter.dtype_in(dtype), /*non_blocking=*/false, /*copy=*/true);
  }
  TensorMap changed;
  for (auto const& [key, tensor] : merged.tensors) {
    if (!key.ends_with(detail::lora_a)) continue;
    auto const weight = key.substr(0, key.size() - detail::lora_a.size()) + ".weight";
    if (auto const place = by_key.find(weight); place != by_key.end()) {
      changed.emplace(weight, *place->second->value);
    }
  }
  merge_adapter(changed, merged, where);
  for (auto const& [key, tensor] : changed) *by_key.at(key)->value = tensor;
}

VCFLASH_INLINE std::optional<std::filesystem::path> find_base(std::filesystem::path const& noted,
                                                              std::filesystem::path const& folder) {
  if (noted.empty()) return {};
  if (has_weights(noted)) return noted;
  auto const beside =
      std::filesystem::absolute(folder).lexically_normal() / ".." / noted.filename();
  if (has_weights(beside)) return beside.lexically_normal();
  return {};
}

VCFLASH_INLINE ModelSource source_of(std::filesystem::path const& folder) {
  if (!has_adapter(folder) || has_weights(folder)) return {.weights = folder};
  std::filesystem::path const base = read_adapter(folder).config.base;
  if (auto found = find_base(base, folder)) return {.weights = *found, .adapter = folder};
  throw InputError(fmt::format(
      "{0}: holds an adapter only, and the model that it adapts ({1}) is not there; give --model "
      "MODEL --adapter {0}.",
      folder.string(), base.empty() ? "not named" : base.string()));
}

}  // namespace vcflash::checkpoint
