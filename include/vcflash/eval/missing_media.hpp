#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <filesystem>
#include <map>
#include <string>
#include <system_error>
#include <vector>

#include <vcflash/base/error.hpp>
#include <vcflash/eval/exam.hpp>

/// Whether the videos of an exam's questions are there, which is known before a model is loaded.
namespace vcflash::eval {

struct MissingMedia {
  std::size_t questions = 0;                 ///< whose video is not there
  std::vector<std::filesystem::path> paths;  ///< of these videos, once each
};

inline MissingMedia missing_media(Exam const& exam) {
  MissingMedia missing;
  std::map<std::filesystem::path, bool> there;
  for (std::size_t i = 0; i < exam.size(); ++i) {
    auto const medium = exam.medium(i);
    auto const [place, added] = there.try_emplace(medium.video, false);
    if (added) {
      std::error_code none;
      auto const found = std::filesystem::status(medium.video, none);
      place->second = std::filesystem::exists(found) &&
                      std::filesystem::is_directory(found) == medium.frame_folder;
      if (!place->second) missing.paths.push_back(medium.video);
    }
    if (!place->second) ++missing.questions;
  }
  return missing;
}

/// \param folder where the videos were looked for  \param most share of the questions that may lack
///   theirs
/// \throws InputError if more do, naming the folder and the first few videos
inline void require_media(Exam const& exam, std::filesystem::path const& folder, double most) {
  auto const missing = missing_media(exam);
  if (static_cast<double>(missing.questions) <= most * static_cast<double>(exam.size())) return;
  constexpr std::size_t shown = 3;
  std::string first;
  for (std::size_t i = 0; i < std::min(shown, missing.paths.size()); ++i) {
    first += fmt::format("{}{}", i == 0 ? "" : ", ", missing.paths[i].string());
  }
  throw InputError(fmt::format(
      "{}: of {} questions {} have no video in {}; {} of their videos are not there: {}{}. Give "
      "the "
      "folder that has them as --media, or --max-broken 1 to count these questions as wrong.",
      exam.name(), exam.size(), missing.questions, folder.string(), missing.paths.size(), first,
      missing.paths.size() > shown ? ", …" : ""));
}

}  // namespace vcflash::eval
