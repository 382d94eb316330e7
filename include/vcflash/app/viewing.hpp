#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include <vcflash/eval/benchmark.hpp>
#include <vcflash/meta/separate.hpp>
#include <vcflash/recipe/asking.hpp>

namespace CLI {
class App;
}

/// How `eval-` and `chat-` look at videos: as the model's type says (recipe/asking.hpp), unless
/// told otherwise.
namespace vcflash::app {

/// What the command line says about frames.
struct Viewing {
  std::int64_t min_frames = 0, max_frames = 0;  ///< 0: by default
  std::string sampling;                         ///< empty: by default
  std::optional<bool> time_message;

  void add_flags(CLI::App& flags);

  /// \param folder of the model, whose config.json may say how it was trained
  /// \param asking what is so by default
  /// \throws InputError if these files cannot be read, or both numbers of frames were given and do
  ///   not fit
  eval::RunOptions options(std::filesystem::path const& folder, Asking const& asking) const;
};

/// What a person should know of the frames that a run's options choose; empty if nothing.
std::string advice(eval::RunOptions const& options);

}  // namespace vcflash::app

#ifndef VCFLASH_SEPARATE
#include <vcflash/app/viewing.ipp>
#endif
