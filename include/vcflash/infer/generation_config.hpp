#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include <vcflash/infer/sampling.hpp>
#include <vcflash/meta/separate.hpp>

namespace vcflash::infer {

/// How a model's folder has its model answer, as `generation_config.json` says.
struct GenerationConfig {
  std::int64_t max_new_tokens = 512;
  Sampling sampling{};
  std::vector<std::int64_t> stop_ids{};   ///< an answer ends before one of these
  std::vector<std::string> stop_texts{};  ///< an answer ends before one of these
  std::vector<std::string> ignored{};     ///< settings of the file that are not applied
};

/// The settings of a folder; without a `generation_config.json`, the likeliest tokens.
/// \throws InputError if the file cannot be read or a value cannot be
GenerationConfig generation_config_of(std::filesystem::path const& folder);

/// How its tokens are chosen.
/// \throws InputError as `generation_config_of` does
inline Sampling sampling_of(std::filesystem::path const& folder) {
  return generation_config_of(folder).sampling;
}

}  // namespace vcflash::infer

#ifndef VCFLASH_SEPARATE
#include <vcflash/infer/generation_config.ipp>
#endif
