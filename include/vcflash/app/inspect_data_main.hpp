#pragma once

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <numeric>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include <fmt/format.h>
#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include <vcflash/app/inspect/examples.hpp>
#include <vcflash/app/inspect/steps.hpp>
#include <vcflash/app/inspect/survey.hpp>
#include <vcflash/app/inspect/survey_report.hpp>
#include <vcflash/app/log.hpp>
#include <vcflash/app/number_checks.hpp>
#include <vcflash/app/program.hpp>
#include <vcflash/base/error.hpp>
#include <vcflash/base/vocabulary.hpp>
#include <vcflash/data/mixture.hpp>
#include <vcflash/data/sampler.hpp>
#include <vcflash/recipe/stage.hpp>
#include <vcflash/text/chat.hpp>
#include <vcflash/text/tokenizer.hpp>
#include <vcflash/text/toml.hpp>

namespace vcflash::app {

namespace detail {

/// Takes what a run's settings (`config.toml`) say about its data; the rest stays.
inline void read_survey_settings(SurveySettings& settings, std::filesystem::path const& file) {
  toml::table table;
  try {
    table = toml::parse_file(file.string());
  } catch (toml::parse_error const& error) {
    throw InputError(fmt::format("{}: {}.", file.string(), error.description()));
  }
  auto const number = [&](char const* section, char const* key, std::int64_t& target) {
    auto const value = table[section][key];
    if (!value) return;
    if (!value.is_integer() || *value.value<std::int64_t>() < 1)
      throw InputError(fmt::format("{}: {}.{} is not a whole number of at least 1.", file.string(),
                                   section, key));
    target = *value.value<std::int64_t>();
  };
  number("data", "min_frames", settings.min_frames);
  number("data", "max_frames", settings.max_frames);
  number("data", "max_length", settings.max_length);
  number("train", "global_batch", settings.global_batch);
  number("train", "micro_batch", settings.micro_batch);
  number("train", "epochs", settings.epochs);
  if (auto const name = table["data"]["sampling"].value<std::string>()) {
    if (*name != "middle" && *name != "dynamic_fps1")
      throw InputError(fmt::format("{}: data.sampling = \"{}\" is not middle or dynamic_fps1.",
                                   file.string(), *name));
    settings.sampling = *name == "middle" ? FrameSampling::middle : FrameSampling::dynamic_fps1;
  }
  if (auto const name = table["data"]["image_aspect_ratio"].value<std::string>()) {
    auto const layout = image_layout_named(*name);
    if (!layout)
      throw InputError(
          fmt::format("{}: data.image_aspect_ratio = \"{}\" is not square, pad or anyres_nopad.",
                      file.string(), *name));
    settings.images = *layout;
  }
  if (auto const name = table["data"]["order"].value<std::string>()) {
    auto const* const order = std::ranges::find(data::all_orders, *name,
                                                [](data::Order order) { return name_of(order); });
    if (order == data::all_orders.end())
      throw InputError(fmt::format("{}: data.order = \"{}\" is none.", file.string(), *name));
    settings.order = *order;
  }
  if (auto const steps = table["train"]["max_steps"].value<std::int64_t>())
    settings.max_steps = std::max<std::int64_t>(0, *steps);
  if (auto const told = table["data"]["time_message"].value<bool>()) settings.time_message = *told;
  if (auto const told = table["data"]["allow_outside_root"].value<bool>())
    settings.allow_outside = *told;
}

/// Takes what a run's model makes of media, from the `training.json` beside its settings.
/// \return whether there is one
inline bool read_model_facts(SurveySettings& settings, std::filesystem::path const& recipe) {
  std::ifstream file(recipe.parent_path() / "training.json");
  auto const facts = nlohmann::json::parse(file, nullptr, false);
  auto const number = [&](char const* name) {
    bool const given = facts.is_object() && facts.contains(name) && facts[name].is_number_integer();
    return given ? facts[name].get<std::int64_t>() : 0;
  };
  auto const clip = number("clip_frames"), tokens = number("clip_tokens");
  if (clip < 1 || tokens < clip) return false;
  settings.clip_length = clip;
  settings.tokens_of_frame = tokens / clip;
  if (number("image_tokens") > 0) settings.tokens_of_image = number("image_tokens");
  if (number("resolution") > 0) settings.image_size = number("resolution");
  return true;
}

inline void write_report(std::filesystem::path const& path, std::string_view text) {
  std::ofstream file(path, std::ios::binary);
  file << text;
  if (!file.flush()) throw Error(fmt::format("{}: cannot be written.", path.string()));
}

}  // namespace detail

/// The program `inspect-data`.
inline int inspect_data_main(int argc, char const* const* argv) {
  Program program("inspect-data",
                  "Reads a data mixture before anyone trains on it: rows, modalities, lengths, "
                  "missing and broken media, expected steps. Ends with 2 if rows would be lost.",
                  "inspect-data --data mix.yaml --index-only\n"
                  "inspect-data --data mix.yaml --tokenizer qwen --check-media --out inspected");
  std::filesystem::path mixture_file, out, tokenizer_folder, recipe;
  std::string chat = "qwen_2", images;
  SurveySettings given;
  bool check_media = false, index_only = false, allow_outside = false;
  int threads = all_threads();
  auto& flags = program.flags();
  flags.add_option("--data", mixture_file, "The data mixture (.yaml)")
      ->type_name("FILE")
      ->required();
  flags.add_option("--out", out, "Folder for report.html and report.json")->type_name("DIR");
  flags.add_option("--tokenizer", tokenizer_folder, "Folder of a tokenizer: count tokens, too")
      ->type_name("DIR");
  flags
      .add_option("--recipe", recipe, "Settings of a run (its config.toml): frames, lengths, batch")
      ->type_name("FILE");
  auto const number = [&](char const* name, std::int64_t& target, char const* meaning) {
    return flags.add_option(name, target, meaning)->type_name("N")->check(at_least(1));
  };
  auto const* const max_frames =
      number("--max-frames", given.max_frames, "Frames of a video at most");
  auto const* const min_frames =
      number("--min-frames", given.min_frames, "Frames of a video at least");
  auto const* const max_length =
      number("--max-length", given.max_length, "Tokens of a row at most");
  auto const* const batch =
      number("--global-batch", given.global_batch, "Rows of an optimizer step");
  auto const* const frame_tokens =
      number("--tokens-per-frame", given.tokens_of_frame,
             "Tokens of a video's frame; default: of the model that --recipe trained, or 16");
  auto const* const image_tokens =
      number("--tokens-per-image", given.tokens_of_image,
             "Tokens of an image, and of each of its tiles; default likewise, or 64");
  auto const* const image_size =
      number("--image-size", given.image_size, "Pixels a side of a tile; default likewise, or 224");
  flags
      .add_option("--image-layout", images,
                  "square, pad or anyres_nopad, as data.image_aspect_ratio; default anyres_nopad")
      ->check(CLI::IsMember({"square", "pad", "anyres_nopad"}));
  flags.add_option("--chat", chat, "Chat template of the LLM's family, or plain for stage 1")
      ->check(CLI::IsMember(text::chat_template_names()));
  flags.add_flag("--check-media", check_media,
                 "Open every medium and decode some of it; goes on where it was stopped");
  flags.add_flag("--index-only", index_only, "Stop after indexing the annotations");
  flags.add_flag("--allow-outside-root", allow_outside, "As data.allow_outside_root");
  flags.add_option("--threads", threads, "Threads; all by default")
      ->type_name("N")
      ->check(CLI::Range(1, 1024));

  return program.run(argc, argv, [&] {
    set_up_log("inspect-data");
    if (check_media && out.empty())
      throw InputError("--check-media keeps its journal in the folder --out, which is missing.");
    SurveySettings settings;
    bool model_known = false;
    if (!recipe.empty()) {
      detail::read_survey_settings(settings, recipe);
      model_known = detail::read_model_facts(settings, recipe);
    }
    if (max_frames->count() > 0) settings.max_frames = given.max_frames;
    if (min_frames->count() > 0) settings.min_frames = given.min_frames;
    if (max_length->count() > 0) settings.max_length = given.max_length;
    if (batch->count() > 0) {
      settings.global_batch = given.global_batch;
      settings.micro_batch = std::gcd(settings.micro_batch, given.global_batch);
    }
    if (frame_tokens->count() > 0) settings.tokens_of_frame = given.tokens_of_frame;
    if (image_tokens->count() > 0) settings.tokens_of_image = given.tokens_of_image;
    if (image_size->count() > 0) settings.image_size = given.image_size;
    settings.allow_outside = settings.allow_outside || allow_outside;
    if (!images.empty()) settings.images = *image_layout_named(images);
    settings.chat = text::template_named(chat);

    std::error_code error;
    if (!out.empty()) std::filesystem::create_directories(out, error);
    data::Mixture const mixture(mixture_file, {settings.allow_outside});
    std::optional<text::Tokenizer> tokenizer;
    if (!tokenizer_folder.empty()) tokenizer = text::Tokenizer::from_folder(tokenizer_folder);
    std::optional<MediaJournal> journal;
    if (check_media && !index_only) journal.emplace(out / "checked_media.jsonl");
    Survey const survey = index_only
                              ? survey_index(mixture)
                              : survey_rows(mixture, settings, tokenizer ? &*tokenizer : nullptr,
                                            journal ? &*journal : nullptr, threads);
    auto const all = survey.all();
    auto const name = mixture_file.string();
    if (!out.empty()) {
      detail::write_report(out / "report.json",
                           survey_json(mixture, survey, settings, name)
                                   .dump(2, ' ', false, nlohmann::json::error_handler_t::replace) +
                               '\n');
      auto const examples = index_only ? std::vector<std::vector<Example>>()
                                       : examples_of(mixture, settings, threads);
      detail::write_report(out / "report.html",
                           survey_page(mixture, survey, settings, name, examples));
    }
    fmt::print("{}: {} rows of {} sets ({} of videos, {} of images, {} of text), {} steps\n", name,
               all.rows, survey.sets.size(), all.of_modality[2], all.of_modality[1],
               all.of_modality[0], expected_steps(all, settings));
    if (survey.tokens_counted)
      fmt::print("{:.0f} tokens a row on average, {} at most; {} rows over {}\n", all.tokens.mean(),
                 all.tokens.most(), all.too_long, settings.max_length);
    if (survey.tokens_counted && !model_known && frame_tokens->count() == 0)
      inform(
          fmt::format("a frame counts as {} tokens, as of upstream's models; --tokens-per-frame "
                      "says otherwise.",
                      settings.tokens_of_frame));
    for (auto const& remark : all.remarks) warn(remark + ".");
    if (all.lost() > 0)
      throw InputError(fmt::format(
          "{}: {} rows would be lost ({} of the wrong shape, {} without their medium, {} with one "
          "that cannot be read, {} whose text or clip cannot be used); the first: {}",
          name, all.lost(), all.broken, all.missing, all.unreadable, all.unusable,
          all.problems.front()));
    auto const few = too_few_rows(all, settings);
    bool const batch_known = !recipe.empty() || batch->count() > 0;
    if (!few.empty() && batch_known) throw InputError(fmt::format("{}: {}.", name, few));
    if (!few.empty()) warn(fmt::format("{}: {}.", name, few));
  });
}

}  // namespace vcflash::app
