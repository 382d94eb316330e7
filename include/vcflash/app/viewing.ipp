#pragma once

#include <fmt/format.h>
#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include <vcflash/app/number_checks.hpp>
#include <vcflash/app/viewing.hpp>
#include <vcflash/base/error.hpp>
#include <vcflash/checkpoint/json_file.hpp>
#include <vcflash/checkpoint/trained_view.hpp>
#include <vcflash/media/frame_sampling.hpp>
#include <vcflash/text/toml.hpp>

namespace vcflash::app {

VCFLASH_INLINE void Viewing::add_flags(CLI::App& flags) {
  constexpr auto by_default = "default: as the model was released, or trained";
  flags
      .add_option("--min-frames", min_frames,
                  fmt::format("Frames of a video, at least, if it has so many; {}", by_default))
      ->type_name("N")
      ->check(at_least(1));
  flags
      .add_option("--max-frames", max_frames,
                  fmt::format("Frames of a video, at most; {}", by_default))
      ->type_name("N")
      ->check(at_least(1));
  flags.add_option("--sampling", sampling, fmt::format("middle or dynamic_fps1; {}", by_default))
      ->check(CLI::IsMember({"middle", "dynamic_fps1"}));
  flags.add_flag("--time-message,!--no-time-message", time_message,
                 fmt::format("Tell the model how long the video lasts; {}", by_default));
}

VCFLASH_INLINE eval::RunOptions Viewing::options(std::filesystem::path const& folder,
                                                 Asking const& asking) const {
  checkpoint::TrainedView view{.min_frames = asking.min_frames,
                               .max_frames = asking.max_frames,
                               .sampling = asking.sampling,
                               .time_message = asking.time_message};
  if (auto const path = folder / "config.json";
      asking.as_trained && std::filesystem::exists(path)) {
    view = checkpoint::trained_view(checkpoint::read_json(path), path).value_or(view);
  }
  eval::RunOptions options;
  options.form = asking.form;
  options.frames.clip_length = asking.frame_group;
  options.frames.min_frames = min_frames > 0 ? min_frames : view.min_frames;
  options.frames.max_frames = max_frames > 0 ? max_frames : view.max_frames;
  options.frames.sampling = sampling.empty()       ? view.sampling
                            : sampling == "middle" ? FrameSampling::middle
                                                   : FrameSampling::dynamic_fps1;
  options.time_message = time_message.value_or(view.time_message);
  if (min_frames > 0 && max_frames > 0 && min_frames > max_frames) {
    throw InputError(fmt::format("--min-frames {} is above --max-frames {}; give a smaller one.",
                                 min_frames, max_frames));
  }
  return options;
}

VCFLASH_INLINE std::string advice(eval::RunOptions const& options) {
  auto const& frames = options.frames;
  if (frames.min_frames <= frames.max_frames) return {};
  return fmt::format(
      "a video of {0} frames or more is looked at in {0} frames, though at most {1} were asked "
      "for, as the released models' code does it; --min-frames {1} makes it {1}",
      frames.min_frames, frames.max_frames);
}

}  // namespace vcflash::app
