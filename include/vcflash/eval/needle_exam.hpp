#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <vcflash/eval/benchmarks/needle.hpp>
#include <vcflash/eval/exam.hpp>
#include <vcflash/meta/separate.hpp>
#include <vcflash/text/tokenizer.hpp>

/// What a needle in a haystack asks, from upstream's files, and what came of it.
namespace vcflash::eval::needle {

enum class Hops { single, multi };

/// As `--benchmark` names them.
constexpr std::string_view name_of(Hops hops) {
  return hops == Hops::single ? "niah_single" : "niah_multi";
}

/// How long the haystacks are and how deep the needle lies in each; as upstream's scripts say.
struct Grid {
  std::int64_t min_frames = 1000, max_frames = 10000, frame_interval = 1000;
  double depth_interval = 0.2;

  /// \throws InputError if it holds no haystack
  std::vector<std::int64_t> frames() const;
};

/// A needle, or several of which each says where to look next, and what is asked about them.
struct Row {
  std::vector<std::filesystem::path> images;
  std::vector<std::pair<std::string, std::string>> asked;  ///< question and answer
};

/// Reads `niah-coco-singlehop_20.json` or `niah-coco-multihop-100.json` from `folder/json` or
/// `folder`.
/// \param media folder that the pictures' paths begin in
/// \throws InputError naming the file, and the row
std::vector<Row> load_rows(Hops hops, std::filesystem::path const& folder,
                           std::filesystem::path const& media);

/// One question, asked at one place of the grid.
struct Case {
  std::string id{};  ///< "1000/0.2/3", or of many needles "1000/3/caption" and "1000/3/detail"
  std::int64_t frames = 0;
  double depth = 0;
  std::size_t group = 0;  ///< those that are asked after each other by the same process
  std::size_t row = 0, asked = 0;
  Layout layout{};
  std::string answer{};
  std::vector<std::int64_t> answer_ids{};
};

/// All questions in the order that upstream asks them in.
/// \throws InputError if the grid or a row cannot be asked about
std::vector<Case> cases_of(Hops hops, std::vector<Row> const& rows, Grid const& grid,
                           text::Tokenizer const& tokenizer);

/// Whether a question was answered right.
bool is_right(Case const& asked, Said const& said, Scoring scoring);

/// The rows of upstream's `all_accuracies.json`.
/// \param said one a case
nlohmann::ordered_json accuracies(Hops hops, std::vector<Case> const& cases,
                                  std::vector<Said> const& said, Scoring scoring);

}  // namespace vcflash::eval::needle

#ifndef VCFLASH_SEPARATE
#include <vcflash/eval/needle_exam.ipp>
#endif
