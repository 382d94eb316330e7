#pragma once

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include <cstddef>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include <vcflash/app/chat_main.hpp>
#include <vcflash/app/log.hpp>
#include <vcflash/app/number_checks.hpp>
#include <vcflash/app/program.hpp>
#include <vcflash/base/error.hpp>
#include <vcflash/checkpoint/folder.hpp>
#include <vcflash/infer/generation_config.hpp>
#include <vcflash/recipe/stage.hpp>

namespace vcflash::app::detail {

VCFLASH_INLINE void ChatArguments::add_flags(CLI::App& flags, std::function<std::string()> keys) {
  flags
      .add_option("--model", model,
                  "Folder of the model: a released one, or what a training ended with")
      ->type_name("FOLDER")
      ->required();
  add_adapter(flags, adapter);
  add_rope_scaling(flags, rope_scaling);
  auto* const about_video =
      flags.add_option("--video", video, "Video to talk about")->type_name("FILE");
  flags.add_option("--image", image, "Image to talk about")
      ->type_name("FILE")
      ->excludes(about_video);
  flags.add_option("--ask", questions, "Ask this and end; may be given several times")
      ->type_name("TEXT");
  flags.add_flag(
      "--json", json,
      "Print each answer as a JSON object that says which frames were looked at, why the "
      "answer ended and how many tokens it and its prompt have");
  flags
      .add_option("--image-layout", image_layout,
                  "How the model sees an image: square, pad (to a square) or anyres_nopad (the "
                  "whole and its tiles); default: as trained")
      ->type_name("NAME")
      ->check(CLI::IsMember({"square", "pad", "anyres_nopad"}));
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
      .add_option("--min-p", min_p,
                  "Draw among tokens at least P times as likely as the likeliest; 0: all")
      ->type_name("P")
      ->check(CLI::Range(0.0, 1.0));
  flags
      .add_option("--repetition-penalty", repetition_penalty,
                  "Above 1: tokens of the answer are less likely to come again")
      ->type_name("X")
      ->check(above_zero());
  flags.add_option("--seed", seed, "The same seed draws the same answers to the same questions")
      ->type_name("N")
      ->capture_default_str();
  flags
      .add_option("--max-tokens", max_tokens,
                  "Longest answer, in tokens; default: the folder's generation_config.json says, "
                  "or 512")
      ->type_name("N")
      ->check(at_least(1));
  flags
      .add_option("--stop", stop_texts,
                  "End an answer before this text; may be given several times")
      ->type_name("TEXT")
      ->allow_extra_args(false)
      ->check(CLI::Validator(
          [](std::string& text) { return text.empty() ? "--stop takes a text" : ""; }, ""));
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

VCFLASH_INLINE infer::GenerationConfig ChatArguments::generation() const {
  auto config = infer::generation_config_of(model);
  for (auto const& setting : config.ignored) {
    warn(fmt::format("{}: {} is not applied.", (model / "generation_config.json").string(),
                     setting));
  }
  auto& sampling = config.sampling;
  sampling.temperature = greedy ? 0 : temperature.value_or(sampling.temperature);
  sampling.top_p = top_p.value_or(sampling.top_p);
  sampling.top_k = top_k.value_or(sampling.top_k);
  sampling.min_p = min_p.value_or(sampling.min_p);
  sampling.repetition_penalty = repetition_penalty.value_or(sampling.repetition_penalty);
  sampling.seed = seed;
  config.max_new_tokens = max_tokens.value_or(config.max_new_tokens);
  config.stop_texts.insert(config.stop_texts.end(), stop_texts.begin(), stop_texts.end());
  return config;
}

VCFLASH_INLINE ImageLayout ChatArguments::layout() const {
  auto name = image_layout;
  if (name.empty()) {
    auto const config = checkpoint::read_json(model / "config.json");
    auto const trained = config.find("image_aspect_ratio");
    // without one, upstream resizes an image to a square
    name = trained != config.end() && trained->is_string() ? trained->get<std::string>() : "square";
  }
  if (auto const layout = image_layout_named(name)) return *layout;
  throw InputError(fmt::format(
      "{}: image_aspect_ratio is {}; square, pad or anyres_nopad is expected. Say which with "
      "--image-layout.",
      (model / "config.json").string(), name));
}

VCFLASH_INLINE std::string ending_told(infer::Finish finish, std::int64_t max_tokens) {
  switch (finish) {
    case infer::Finish::stop:
      return {};
    case infer::Finish::length:
      return fmt::format("(cut after {} tokens; --max-tokens N allows more)\n", max_tokens);
    case infer::Finish::context:
      return "(cut: the model has no positions left; /reset forgets what was said)\n";
    case infer::Finish::cancelled:
      return "(stopped)\n";
  }
  return {};
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
