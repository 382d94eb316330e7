#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include <vcflash/eval/benchmark.hpp>
#include <vcflash/eval/benchmark_spec.hpp>
#include <vcflash/eval/time_spans.hpp>
#include <vcflash/eval/video_mme_v2.hpp>
#include <vcflash/meta/separate.hpp>

/// The questions that a benchmark's file says are in some rows.
namespace vcflash::eval {

struct FileQuestion {
  std::string id{}, task{}, prompt{};
  MediumRequest medium{};
  std::vector<std::string> options{};  ///< without letters
  std::vector<std::string> given{};    ///< as the row has them
  std::vector<std::string> right{};    ///< the letter, or the texts that are right
  double number = 0;                   ///< the right one, if answers are numbers
  TimeSpan span{};                     ///< the right one, if answers are spans
  std::vector<std::string> groups{};   ///< one value a column of `columns.groups`
  std::optional<video_mme_v2::Place> place{};
};

/// Reads all rows.
/// \param data folder of the files, or of a folder `json` that holds them
/// \param media folder of the videos
/// \throws InputError naming the file, the row, what was found and what was expected
std::vector<FileQuestion> read_questions(BenchmarkSpec const& spec,
                                         std::filesystem::path const& data,
                                         std::filesystem::path const& media);

}  // namespace vcflash::eval

#ifndef VCFLASH_SEPARATE
#include <vcflash/eval/file_question.ipp>
#endif
