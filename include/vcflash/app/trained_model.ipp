#pragma once

#include <cstdlib>
#include <string>
#include <string_view>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include <vcflash/app/trained_model.hpp>
#include <vcflash/base/error.hpp>

namespace vcflash::app {

VCFLASH_INLINE void add_dtype(CLI::App& flags, std::string& dtype) {
  flags
      .add_option("--dtype", dtype,
                  "What the model computes in: float32, bfloat16 or float16; auto: as its weights "
                  "are, but float32 for float16 on a CPU")
      ->check(CLI::IsMember({"auto", "float32", "bfloat16", "float16"}))
      ->capture_default_str();
}

VCFLASH_INLINE void add_adapter(CLI::App& flags, std::filesystem::path& adapter) {
  flags
      .add_option("--adapter", adapter,
                  "Folder of a low-rank adapter (PEFT's layout) to merge into the model; of a "
                  "folder that a training with adapters ended with, --model alone is enough")
      ->type_name("FOLDER")
      ->check(CLI::ExistingDirectory);
}

VCFLASH_INLINE at::ScalarType dtype_of(std::string const& name) {
  return name == "bfloat16" ? at::kBFloat16 : name == "float16" ? at::kHalf : at::kFloat;
}

VCFLASH_INLINE std::string dtype_for(std::string const& asked, std::filesystem::path const& folder,
                                     at::Device device) {
  if (asked != "auto") return asked;
  auto const weights = checkpoint::read_weights(checkpoint::source_of(folder).weights);
  if (weights.empty()) {
    throw InputError(fmt::format("{}: its weights hold no tensors.", folder.string()));
  }
  auto const dtype = weights.begin()->second.scalar_type();
  return std::string(dtype_name(dtype == at::kHalf && device.is_cpu() ? at::kFloat : dtype));
}

VCFLASH_INLINE text::Tokenizer tokenizer_for(LlmFacts const& llm,
                                             std::filesystem::path const& folder) {
  auto tokenizer = text::Tokenizer::from_folder(folder);
  if (tokenizer.vocabulary() > llm.vocabulary) {
    throw InputError(fmt::format("{}: the tokenizer has {} tokens, but {} has rows for {} only.",
                                 folder.string(), tokenizer.vocabulary(), llm.name,
                                 llm.vocabulary));
  }
  return tokenizer;
}

VCFLASH_INLINE kernels::RotaryScaling scaling_for(LlmFacts const& llm, std::string const& asked,
                                                  std::filesystem::path const& folder) {
  if (asked == "none") return {};
  if (!asked.empty()) {
    char* end = nullptr;
    double const factor = asked.starts_with("yarn:") ? std::strtod(asked.c_str() + 5, &end) : 0;
    if (!(factor >= 1) || *end != '\0') {
      throw InputError(fmt::format(
          "--rope-scaling {}: yarn:FACTOR with a factor of at least 1, or none, is expected.",
          asked));
    }
    auto const trained_at =
        llm.scaling.stretches() ? llm.scaling.original_positions : llm.max_positions;
    return kernels::yarn(factor, trained_at);
  }
  auto const path = folder / "config.json";
  if (!std::filesystem::exists(path)) return llm.scaling;
  auto const rotary = checkpoint::rotary_fields(checkpoint::read_json(path), path);
  if (rotary.scaling != "yarn") return llm.scaling;
  return *checkpoint::scaling_of(rotary);
}

VCFLASH_INLINE void add_rope_scaling(CLI::App& flags, std::string& asked) {
  flags
      .add_option("--rope-scaling", asked,
                  "Stretch positions by YaRN, so that the model takes FACTOR times as many tokens: "
                  "yarn:FACTOR, or none; default: as config.json says")
      ->type_name("HOW");
}

VCFLASH_INLINE std::string stretching_told(kernels::RotaryScaling const& scaling) {
  if (!scaling.stretches()) return "positions are not stretched";
  return fmt::format("positions are stretched by {}, {} times beyond {}", name_of(scaling.kind),
                     scaling.factor, scaling.original_positions);
}

}  // namespace vcflash::app
