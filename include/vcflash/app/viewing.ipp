#pragma once

#include <fmt/format.h>
#include <toml++/toml.h>
#include <CLI/CLI.hpp>

#include <cstdint>
#include <filesystem>
#include <string>

#include <vcflash/app/number_checks.hpp>
#include <vcflash/app/viewing.hpp>
#include <vcflash/media/frame_sampling.hpp>
#include <vcflash/meta/error.hpp>

namespace vcflash::app {

VCFLASH_INLINE void Viewing::add_flags(CLI::App& flags) {
  flags.add_option("--min-frames", min_frames, "Frames of a video, at least; default: as trained")
      ->type_name("N")
      ->check(at_least(1));
  flags.add_option("--max-frames", max_frames, "Frames of a video, at most; default: as trained")
      ->type_name("N")
      ->check(at_least(1));
  flags.add_option("--sampling", sampling, "middle or dynamic_fps1; default: as trained")
      ->check(CLI::IsMember({"middle", "dynamic_fps1"}));
  flags.add_flag("--time-message,!--no-time-message", time_message,
                 "Tell the model how long the video lasts; default: as trained");
}

VCFLASH_INLINE eval::RunOptions Viewing::options(std::filesystem::path const& folder,
                                                 std::int64_t clip_frames, bool tells_time) const {
  toml::table trained;
  if (auto const path = folder / run_settings_file; std::filesystem::exists(path)) {
    try {
      trained = toml::parse_file(path.string());
    } catch (toml::parse_error const& error) {
      throw InputError(fmt::format("{}: {}.", path.string(), error.description()));
    }
  }
  auto const data = trained["data"];
  eval::RunOptions options;
  options.frames.min_frames = min_frames > 0 ? min_frames : data["min_frames"].value_or(64L);
  options.frames.max_frames = max_frames > 0 ? max_frames : data["max_frames"].value_or(512L);
  options.frames.clip_length = clip_frames;
  auto const chosen =
      sampling.empty() ? data["sampling"].value_or(std::string("dynamic_fps1")) : sampling;
  options.frames.sampling =
      chosen == "middle" ? FrameSampling::middle : FrameSampling::dynamic_fps1;
  options.time_message = time_message.value_or(data["time_message"].value_or(tells_time));
  if (options.frames.min_frames > options.frames.max_frames) {
    throw InputError(fmt::format("at least {} frames are more than at most {}.",
                                 options.frames.min_frames, options.frames.max_frames));
  }
  return options;
}

}  // namespace vcflash::app
