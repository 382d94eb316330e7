#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <vcflash/meta/separate.hpp>

/// Data mixtures, upstream's `data_path` YAML: which annotation files, how much of each, and where
/// the media are.
///
///     datasets:
///       - json_path: annotations/next_qa.jsonl   # .json or .jsonl
///         sampling_strategy: first:25%           # all (default), first:N, end:N, firstK:N
///         repeat: 2.5                            # see its rows so often an epoch; default 1
///         data_root: media/video                 # put before each row's media path
///         media_type: video                      # image, video, text, any or mix; default: as
///                                                # the first row that can be read
///         video_read_type: decord                # video files: decord (default), av or gif;
///                                                # img: folders of frames
///
/// Relative paths start at the mixture file's folder. `json_path: a/{b,c}.json` is two sets that
/// share what else is said. `firstK:N` is the K-th N rows. In `json_path`
/// and `data_root`, `${NAME}` stands for the environment's `VCFLASH_NAME` (in capitals), or else
/// for `NAME` in a mapping `roots` at the top of the file. A set may say where it is had, for
/// people and for messages: `annotations_from`, `media_from`.
namespace vcflash::data {

enum class MediaType {
  text,
  image,
  video,
  mix,  ///< rows of every kind, their media paths from the mixture's folder (upstream's)
  any,  ///< rows of every kind, their media paths behind the data_root
};
inline constexpr std::array all_media_types{MediaType::text, MediaType::image, MediaType::video,
                                            MediaType::mix, MediaType::any};

constexpr std::string_view name_of(MediaType type) {
  constexpr std::array<std::string_view, 5> names{"text", "image", "video", "mix", "any"};
  return names[static_cast<std::size_t>(type)];
}

/// One entry of a mixture, as written.
struct DataSet {
  std::string json_path, data_root, video_read_type;
  std::string sampling_strategy = "all";
  std::string annotations_from, media_from;
  std::optional<MediaType> media_type;
  double repeat = 1;                  ///< how often an epoch sees its rows
  std::int64_t first = 0, count = 0;  ///< its rows among those of the mixture
};

namespace detail {

/// A non-negative number as Python's `int` reads it: blanks around it, single underscores inside,
/// full-width digits.
inline std::optional<std::int64_t> whole_number(std::string_view text) {
  auto const first = text.find_first_not_of(' ');
  if (first == text.npos) return {};
  text = text.substr(first, text.find_last_not_of(' ') + 1 - first);
  std::int64_t number = 0;
  bool after_digit = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '_' && after_digit) {
      after_digit = false;
      continue;
    }
    char digit = text[i];
    if (text.substr(i, 2) == "\xEF\xBC" && i + 2 < text.size()) {
      digit = static_cast<char>(text[i + 2] - '\x90' + '0');
      i += 2;
    }
    if (digit < '0' || digit > '9' || number > 1'000'000'000'000) return {};
    number = number * 10 + (digit - '0');
    after_digit = true;
  }
  return after_digit ? std::optional(number) : std::nullopt;
}

/// The slice of `rows` rows that a sampling strategy means; `fail(what)` reports a wrong one.
template <class Fail>
std::pair<std::int64_t, std::int64_t> slice_of(std::string const& strategy, std::int64_t rows,
                                               Fail const& fail) {
  if (strategy == "all") return {0, rows};
  auto const colon = strategy.find(':');
  std::string const kind = strategy.substr(0, colon);
  std::int64_t block = 1;  // the K of firstK
  bool known = kind == "all" || kind == "end" || kind == "first";
  if (!known && kind.size() == 6 && kind.starts_with("first") && kind[5] >= '2' && kind[5] <= '9') {
    known = true;
    block = kind[5] - '0';
  }
  if (kind == "random") fail("random sampling would change from run to run: use first or end");
  if (!known) fail("expected all, first:N, end:N or firstK:N, where N may be a percentage");
  if (kind == "all") return {0, rows};
  if (colon == strategy.npos) fail("the number is missing, for instance first:25%");
  std::string number = strategy.substr(colon + 1);
  bool const percent = number.find('%') != number.npos;
  auto const parsed = whole_number(number.substr(0, number.find('%')));
  if (!parsed) fail("the number must be a whole number of rows or per cent, not negative");
  std::int64_t amount = *parsed;
  if (percent) amount = amount > 100 ? rows : (rows * amount + 99) / 100;
  if (amount == 0) fail("it takes no row: leave the set out instead");
  amount = std::min(amount, rows);
  if (kind == "end") return {rows - amount, amount};
  std::int64_t const first = std::min((block - 1) * amount, rows);
  if (first == rows) fail("the file has too few rows for it");
  return {first, std::min(amount, rows - first)};
}

}  // namespace detail

/// Reads the sets that a mixture file lists, and none of their files.
/// \throws InputError naming the file and the entry
std::vector<DataSet> read_mixture_file(std::filesystem::path const& path);

}  // namespace vcflash::data

#ifndef VCFLASH_SEPARATE
#include <vcflash/data/mixture_file.ipp>
#endif
