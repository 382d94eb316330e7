#pragma once

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include <cstddef>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include <vcflash/app/chat_main.hpp>
#include <vcflash/app/number_checks.hpp>
#include <vcflash/app/program.hpp>
#include <vcflash/infer/generation_config.hpp>

namespace vcflash::app::detail {

VCFLASH_INLINE void ChatArguments::add_flags(CLI::App& flags, std::function<std::string()> keys) {
  flags.add_option("--model", model, "Folder that a training ended with")
      ->type_name("FOLDER")
      ->required();
  auto* const about_video =
      flags.add_option("--video", video, "Video to talk about")->type_name("FILE");
  flags.add_option("--image", image, "Image to talk about")
      ->type_name("FILE")
      ->excludes(about_video);
  flags.add_option("--ask", questions, "Ask this and end; may be given several times")
      ->type_name("TEXT");
  flags.add_flag("--json", json,
                 "Print each answer as a JSON object that says which frames were looked at");
  flags
      .add_option("--temperature", temperature,
                  "How freely tokens are drawn; 0: the likeliest; default: the folder's "
                  "generation_config.json says, or 0")
      ->type_name("T")
      ->check(at_least(0));
  flags.add_flag("--greedy", greedy, "The same as --temperature 0");
  flags.add_option("--top-p", top_p, "Draw among the likeliest tokens of this probability")
      ->type_name("P")
      ->check(CLI::Range(0.0, 1.0));
  flags.add_option("--top-k", top_k, "Draw among so many likeliest tokens; 0: all")
      ->type_name("K")
      ->check(at_least(0));
  flags
      .add_option("--repetition-penalty", repetition_penalty,
                  "Above 1: tokens of the answer are less likely to come again")
      ->type_name("X")
      ->check(above_zero());
  flags.add_option("--seed", seed, "The same seed draws the same answer")
      ->type_name("N")
      ->capture_default_str();
  flags.add_option("--max-tokens", max_tokens, "Longest answer, in tokens")
      ->type_name("N")
      ->check(at_least(1))
      ->capture_default_str();
  add_dtype(flags, dtype);
  flags.add_flag_callback(
      "--keys",
      [keys = std::move(keys)] {
        fmt::print("{}", keys());
        throw CLI::Success();
      },
      "List the tensors of its checkpoint: key, dtype, shape; needs no other flag");
  add_device(flags, device);
  add_allow_missing(flags, allow_missing);
  viewing.add_flags(flags);
}

VCFLASH_INLINE infer::Sampling ChatArguments::sampling() const {
  auto sampling = infer::sampling_of(model);
  sampling.temperature = greedy ? 0 : temperature.value_or(sampling.temperature);
  sampling.top_p = top_p.value_or(sampling.top_p);
  sampling.top_k = top_k.value_or(sampling.top_k);
  sampling.repetition_penalty = repetition_penalty.value_or(sampling.repetition_penalty);
  sampling.seed = seed;
  return sampling;
}

VCFLASH_INLINE std::string seen_times(std::vector<double> const& seconds) {
  constexpr std::size_t shown = 6;
  std::string times;
  for (std::size_t i = 0; i < seconds.size(); ++i) {
    if (i == shown && seconds.size() > shown + 2) {
      times += ", …";
      i = seconds.size() - 1;
    }
    times += fmt::format("{}{:.1f}", times.empty() ? "" : ", ", seconds[i]);
  }
  return times + " s";
}

}  // namespace vcflash::app::detail
