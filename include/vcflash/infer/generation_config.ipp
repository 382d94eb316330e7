#pragma once

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <vector>

#include <vcflash/base/error.hpp>
#include <vcflash/infer/generation_config.hpp>

namespace vcflash::infer {

namespace detail {

/// A setting that is one value or a list of them; empty where it is missing or null.
template <class Value>
std::vector<Value> one_or_more(nlohmann::json const& config, char const* key) {
  auto const found = config.find(key);
  if (found == config.end() || found->is_null()) return {};
  if (found->is_array()) return found->get<std::vector<Value>>();
  return {found->get<Value>()};
}

/// Settings that change what a model says and are not known here.
inline std::vector<std::string> ignored_settings(nlohmann::json const& config) {
  constexpr std::array<std::string_view, 14> known{"repetition_penalty",
                                                   "do_sample",
                                                   "temperature",
                                                   "top_p",
                                                   "top_k",
                                                   "min_p",
                                                   "max_new_tokens",
                                                   "eos_token_id",
                                                   "stop_strings",
                                                   "bos_token_id",
                                                   "pad_token_id",
                                                   "use_cache",
                                                   "transformers_version",
                                                   "_from_model_config"};
  std::vector<std::string> ignored;
  for (auto const& [key, value] : config.items()) {
    if (!value.is_null() && std::ranges::find(known, key) == known.end()) ignored.push_back(key);
  }
  return ignored;
}

inline GenerationConfig read_generation_config(nlohmann::json const& config) {
  GenerationConfig read;
  auto const number = [&](char const* key, double fallback) {
    auto const value = config.find(key);
    return value == config.end() || value->is_null() ? fallback : value->get<double>();
  };
  auto const whole = [&](char const* key, double fallback) {
    constexpr double most = 1e15;  // more would not fit
    return static_cast<std::int64_t>(std::clamp(number(key, fallback), -1.0, most));
  };
  auto& sampling = read.sampling;
  sampling.repetition_penalty = number("repetition_penalty", 1);
  // what `transformers` takes where the file leaves a setting out
  if (config.value("do_sample", false)) {
    sampling.temperature = number("temperature", 1);
    sampling.top_p = number("top_p", 1);
    sampling.top_k = whole("top_k", 50);
    sampling.min_p = number("min_p", 0);
  }
  read.max_new_tokens = whole("max_new_tokens", static_cast<double>(read.max_new_tokens));
  read.stop_ids = one_or_more<std::int64_t>(config, "eos_token_id");
  read.stop_texts = one_or_more<std::string>(config, "stop_strings");
  read.ignored = ignored_settings(config);
  return read;
}

}  // namespace detail

VCFLASH_INLINE GenerationConfig generation_config_of(std::filesystem::path const& folder) {
  auto const path = folder / "generation_config.json";
  std::ifstream file(path);
  if (!file) return {};
  GenerationConfig config;
  try {
    config = detail::read_generation_config(nlohmann::json::parse(file));
  } catch (nlohmann::json::exception const& error) {
    throw InputError(fmt::format("{}: cannot be read ({}).", path.string(), error.what()));
  }
  auto const& sampling = config.sampling;
  auto const require = [&](bool fits, std::string_view name, auto value,
                           std::string_view expected) {
    if (fits) return;
    throw InputError(
        fmt::format("{}: {} is {}; {} is expected.", path.string(), name, value, expected));
  };
  require(sampling.repetition_penalty > 0, "repetition_penalty", sampling.repetition_penalty,
          "a number above 0");
  require(sampling.temperature >= 0, "temperature", sampling.temperature, "0 or more");
  require(sampling.top_k >= 0, "top_k", sampling.top_k, "0 or more");
  require(sampling.min_p >= 0 && sampling.min_p <= 1, "min_p", sampling.min_p, "0 to 1");
  require(config.max_new_tokens >= 1, "max_new_tokens", config.max_new_tokens, "1 or more");
  std::erase(config.stop_texts, "");
  return config;
}

}  // namespace vcflash::infer
