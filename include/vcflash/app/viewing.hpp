#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include <vcflash/eval/benchmark.hpp>
#include <vcflash/meta/separate.hpp>

namespace CLI {
class App;
}

/// How `eval-` and `chat-` look at videos: as the model was trained, unless told otherwise.
namespace vcflash::app {

/// The effective settings of a run, as `train-<recipe>` leaves them in its folder.
inline constexpr auto run_settings_file = "config.toml";

/// What the command line says about frames.
struct Viewing {
  std::int64_t min_frames = 0, max_frames = 0;  ///< 0: as trained
  std::string sampling;                         ///< empty: as trained
  std::optional<bool> time_message;

  void add_flags(CLI::App& flags);

  /// \param folder of the trained model; without config.toml, videos are seen as upstream's last
  /// stages see them: 64 to 512 frames
  /// \param clip_frames that the encoder sees together
  /// \param tells_time whether the model is told how long a video is
  /// \throws InputError if config.toml cannot be read, or the numbers of frames do not fit
  eval::RunOptions options(std::filesystem::path const& folder, std::int64_t clip_frames,
                           bool tells_time) const;
};

}  // namespace vcflash::app

#ifndef VCFLASH_SEPARATE
#include <vcflash/app/viewing.ipp>
#endif
