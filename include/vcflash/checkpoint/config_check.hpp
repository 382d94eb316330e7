#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include <nlohmann/json_fwd.hpp>

#include <vcflash/checkpoint/config_json.hpp>
#include <vcflash/kernels/rotary.hpp>
#include <vcflash/meta/separate.hpp>

/// Whether a folder's `config.json` is of a network's kind, in what its tensors cannot show.
namespace vcflash::checkpoint {

/// How an LLM's rotary positions are, as `config.json` says it: in `rope_theta` and `rope_scaling`,
/// in `rope_parameters` (transformers 5), or in either within `text_config`.
struct RotaryFields {
  double base = 0;            ///< 0: not said
  std::string scaling;        ///< "yarn", "llama3", …; empty: positions are not stretched
  double factor = 1;          ///< of the scaling
  std::int64_t original = 0;  ///< positions that the factor multiplies
  double fast = 0, slow = 0;  ///< see kernels::RotaryScaling; 0: there is no scaling

  bool operator==(RotaryFields const&) const = default;
};

/// The scaling that they say; none if it is of a kind that is not computed here.
std::optional<kernels::RotaryScaling> scaling_of(RotaryFields const& rotary);

/// \param path named in errors
/// \throws InputError if a field is of another type
RotaryFields rotary_fields(nlohmann::json const& config, std::filesystem::path const& path);

/// The model of the zoo that a folder is of: one that was released, or the one that a training
/// wrote; empty if it is none of these. \param path named in errors
std::string model_of_folder(nlohmann::json const& config, std::filesystem::path const& path);

/// For a training that begins with the folder's weights. The encoder may be another (stage 4 gives
/// stage 3's weights more pixels), and positions are stretched as the recipe says.
/// \throws InputError naming the first field that differs, what was found and what is wanted
void require_llm_config(LlmFacts const& llm, nlohmann::json const& config,
                        std::filesystem::path const& path);

/// For a model that is asked: whatever would change its answers without a word.
/// \param model name of the model that is asked, for the message
/// \throws InputError naming the first field that differs, what was found, what is wanted and, if
///   the zoo has it, the program that fits
void require_model_config(NetworkFields const& network, std::string_view model,
                          nlohmann::json const& config, std::filesystem::path const& path);

}  // namespace vcflash::checkpoint

#ifndef VCFLASH_SEPARATE
#include <vcflash/checkpoint/config_check.ipp>
#endif
