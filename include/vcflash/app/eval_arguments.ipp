#pragma once

#include <fmt/format.h>
#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <string>
#include <system_error>

#include <vcflash/app/build_commit.hpp>
#include <vcflash/app/eval_arguments.hpp>
#include <vcflash/app/log.hpp>
#include <vcflash/app/number_checks.hpp>
#include <vcflash/app/program.hpp>
#include <vcflash/eval/all_benchmarks.hpp>
#include <vcflash/eval/sha256.hpp>
#include <vcflash/infer/generation_config.hpp>

namespace vcflash::app::detail {

VCFLASH_INLINE void EvalArguments::add_flags(CLI::App& flags) {
  flags.add_option("--model", model, "Folder that a training ended with")
      ->type_name("FOLDER")
      ->required();
  add_adapter(flags, adapter);
  add_rope_scaling(flags, rope_scaling);
  flags
      .add_option(
          "--benchmark", benchmarks,
          fmt::format(
              "One or more, with commas between: {}; or tasks of one, as "
              "mvbench_action_sequence or mvbench_object_*; or a file of your own, X.toml or "
              "X.toml:TASK",
              eval::benchmark_names()))
      ->type_name("NAME")
      ->delimiter(',')
      ->allow_extra_args(false)
      ->required();
  flags
      .add_option("--data", data,
                  "Folder of the benchmark's questions and videos; of several, each may have a "
                  "folder of its name there")
      ->type_name("DIR")
      ->required();
  flags.add_option("--media", media, "Folder of the videos, if it is another")->type_name("DIR");
  flags
      .add_option("--out", out,
                  "Folder for answers.jsonl, results.json and report.html (of niah, heatmap.svg); "
                  "several benchmarks have a folder each there")
      ->type_name("DIR")
      ->required();
  flags
      .add_option(
          "--scoring", scoring,
          "How answers are graded where upstream's rule has an accident: upstream or strict")
      ->check(CLI::IsMember({"upstream", "strict"}))
      ->capture_default_str();
  flags
      .add_option("--choose", choose,
                  "How an option is chosen: text, by what the model says, or likelihood, the one "
                  "whose letter it finds likeliest to begin its answer")
      ->check(CLI::IsMember({"text", "likelihood"}))
      ->capture_default_str();
  flags.add_option("--layout", layout, "Also write the files of lmms-eval")
      ->check(CLI::IsMember({"lmms-eval"}));
  flags.add_flag("--fresh", fresh, "Drop the answers of a run that was not finished");
  flags
      .add_option(
          "--limit", limit,
          "Ask only the first N questions of each task, or below 1 this share of them; 0: all")
      ->type_name("N")
      ->check(detail::number_check(
          [](double number) { return number >= 0 && (number < 1 || number == std::floor(number)); },
          "a whole number, or a share below 1"));
  flags
      .add_option("--max-broken", max_broken,
                  "Share of the questions whose video may be missing; with more nothing is asked. "
                  "A question that cannot be asked is wrong, and the program then ends with 3")
      ->type_name("SHARE")
      ->check(detail::number_check([](double number) { return number >= 0 && number <= 1; },
                                   "a share from 0 to 1"))
      ->capture_default_str();
  flags
      .add_option(
          "--video-timeout", video_timeout,
          "Seconds that one video may take to read; 0: 30, and half a second for each of its "
          "own")
      ->type_name("SECONDS")
      ->check(at_least(0))
      ->capture_default_str();
  flags
      .add_option("--batch", batch, "Most questions about one video that are answered side by side")
      ->type_name("N")
      ->check(at_least(1))
      ->capture_default_str();
  add_dtype(flags, dtype);
  add_device(flags, device);
  add_allow_missing(flags, allow_missing);
  viewing.add_flags(flags);
  flags
      .add_option("--haystack", haystack,
                  "Of niah_single and niah_multi: the long video that pictures are hidden in; "
                  "default: video_haystack.mkv in --data")
      ->type_name("FILE");
  auto const add_number = [&](char const* flag, auto& number, char const* what) {
    flags.add_option(flag, number, what)
        ->type_name("N")
        ->check(above_zero())
        ->capture_default_str();
  };
  add_number("--needle-min-frames", grid.min_frames, "Of niah: the shortest haystack");
  add_number("--needle-max-frames", grid.max_frames, "Of niah: the longest haystack");
  add_number("--needle-frame-interval", grid.frame_interval, "Of niah: from one to the next");
  add_number("--needle-depth-interval", grid.depth_interval,
             "Of niah_single: from one depth of the needle to the next, 0 being the beginning and "
             "1 the end");

  flags.add_flag("--beyond-length", beyond_length,
                 "Of niah: go on where an input is longer than the model takes, as upstream does");
  flags.add_flag("--plan", plan,
                 "Of niah: say how much memory the longest haystack takes, and do nothing else");
}

/// The first and the last bytes of a file: all of a small one; of weights also their header.
inline std::string ends_of(std::filesystem::path const& path, std::uintmax_t size) {
  constexpr std::uintmax_t most = 1 << 20;
  std::ifstream file(path, std::ios::binary);
  std::string bytes(static_cast<std::size_t>(std::min(size, 2 * most)), '\0');
  auto const half = static_cast<std::streamsize>(bytes.size() / 2);
  file.read(bytes.data(), half);
  file.seekg(-(std::ssize(bytes) - half), std::ios::end);
  file.read(bytes.data() + half, std::ssize(bytes) - half);
  return bytes;
}

VCFLASH_INLINE std::string folder_fingerprint(std::filesystem::path const& folder) {
  std::map<std::string, std::string> files;
  std::error_code none;
  for (auto const& entry : std::filesystem::directory_iterator(folder, none)) {
    auto const& path = entry.path();
    constexpr std::array kinds{".safetensors", ".bin", ".json", ".txt", ".jinja"};
    if (!entry.is_regular_file(none) ||
        std::ranges::find(kinds, path.extension().string()) == kinds.end()) {
      continue;
    }
    auto const size = entry.file_size(none);
    files[path.filename().string()] = fmt::format("{} {}", size, eval::sha256(ends_of(path, size)));
  }
  return eval::sha256(
             nlohmann::json(files).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace))
      .substr(0, 16);
}

VCFLASH_INLINE std::string weights_fingerprint(EvalArguments const& arguments) {
  auto const model = folder_fingerprint(arguments.model);
  return arguments.adapter.empty() ? model : model + "+" + folder_fingerprint(arguments.adapter);
}

VCFLASH_INLINE std::string file_fingerprint(std::filesystem::path const& file) {
  std::error_code none;
  auto const size = std::filesystem::file_size(file, none);
  return eval::sha256(fmt::format("{} {}", size, ends_of(file, size))).substr(0, 16);
}

VCFLASH_INLINE eval::RunOptions run_options(ModelFacts const& model, EvalArguments const& arguments,
                                            eval::FrameLimits wanted) {
  auto viewing = arguments.viewing;
  if (viewing.min_frames == 0 && viewing.max_frames == 0) {
    viewing.min_frames = wanted.least;
    viewing.max_frames = wanted.most;
    // A model of one's own is not shown more than it was trained on.
    if (model.asking.as_trained && wanted.most > 0) {
      auto const trained = arguments.viewing.options(arguments.model, model.asking).frames;
      viewing.max_frames = std::min(wanted.most, trained.max_frames);
      viewing.min_frames = std::min(wanted.least, viewing.max_frames);
    }
  }
  auto options = viewing.options(arguments.model, model.asking);
  options.chat = *model.llm->chat;
  options.video_timeout = arguments.video_timeout;
  options.batch = arguments.batch;
  options.by_likelihood = arguments.choose == "likelihood";
  options.repetition_penalty = infer::sampling_of(arguments.model).repetition_penalty;
  return options;
}

VCFLASH_INLINE nlohmann::ordered_json about_model(ModelFacts const& model,
                                                  EvalArguments const& arguments) {
  return {{"model", std::string(model.name)},
          {"folder", arguments.model.string()},
          {"adapter", arguments.adapter.string()},
          {"rope_scaling", arguments.rope_scaling},
          {"dtype", arguments.dtype},
          {"device", arguments.device},
          {"vcflash", version},
          {"commit", build_commit()}};
}

VCFLASH_INLINE nlohmann::ordered_json about_run(ModelFacts const& model,
                                                EvalArguments const& arguments,
                                                eval::RunOptions const& viewing) {
  auto about = about_model(model, arguments);
  about["frames"] = {{"least", viewing.frames.min_frames},
                     {"most", viewing.frames.max_frames},
                     {"group", viewing.frames.clip_length},
                     {"sampling", std::string(name_of(viewing.frames.sampling))}};
  about["prompt"] = {{"template", std::string(name_of(viewing.chat))},
                     {"question", std::string(name_of(viewing.form))}};
  about["time_message"] = viewing.time_message;
  about["repetition_penalty"] = viewing.repetition_penalty;
  if (viewing.by_likelihood) about["choose"] = "likelihood";
  return about;
}

VCFLASH_INLINE nlohmann::json about_answers(nlohmann::json about, EvalArguments const& arguments) {
  about.erase("folder");
  about.erase("adapter");  // its tensors are in `weights`
  about.erase("commit");  // a run is taken up by the same version
  about["weights"] = weights_fingerprint(arguments);
  about["allow_missing"] = arguments.allow_missing;
  return about;
}

VCFLASH_INLINE void warn_of_left_behind(std::string_view benchmark, std::size_t questions) {
  warn(fmt::format(
      "{}: {} questions are left by processes that are no longer at work, and are asked here",
      benchmark, questions));
}

}  // namespace vcflash::app::detail
