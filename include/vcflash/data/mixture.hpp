#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <vcflash/data/annotation.hpp>
#include <vcflash/data/mixture_file.hpp>
#include <vcflash/meta/error.hpp>
#include <vcflash/meta/vocabulary.hpp>

/// A data mixture with the rows of all its annotation files.
namespace vcflash::data {

/// A row that is left out, and why.
struct BrokenRow {
  std::string file;
  std::int64_t row = 0;
  std::string problem;

  std::string sentence() const { return fmt::format("{}: row {} {}.", file, row, problem); }
};

struct Mixture {
  std::filesystem::path folder;  ///< where relative paths start
  std::vector<DataSet> sets;
  std::vector<Row> rows;  ///< set after set; media paths have their data_root before them
  std::vector<BrokenRow> broken;

  /// The file that a media path of a row means.
  std::filesystem::path file_of(std::string const& media) const { return folder / media; }
};

struct MixtureOptions {
  bool allow_outside = false;  ///< media paths may be absolute or leave their data_root by ".."
};

namespace detail {

/// Python's os.path.join, which upstream's paths are made by.
inline std::string join_path(std::string const& root, std::string const& path) {
  if (root.empty() || path.starts_with('/')) return path;
  return root.ends_with('/') ? root + path : root + '/' + path;
}

inline bool leaves_root(std::string const& path) {
  auto const normal = std::filesystem::path(path).lexically_normal();
  return normal.is_absolute() || (!normal.empty() && *normal.begin() == "..");
}

/// Puts a set's data_root before the row's media and checks what the set promises.
inline void place_media(Row& row, DataSet const& set, MixtureOptions const& options) {
  if (!row.problem.empty()) return;
  auto const type = *set.media_type;
  if (type == MediaType::image || type == MediaType::video) {
    if (name_of(row.modality) != name_of(type)) {
      row.problem = fmt::format("has no {}, as the other rows of its set have (media_type: {})",
                                name_of(type), name_of(type));
      return;
    }
  }
  for (std::string& path : row.media) {
    if (!options.allow_outside && leaves_root(path)) {
      row.problem = fmt::format("has the media path {}, which leaves its data_root", path);
      return;
    }
    if (type == MediaType::image || type == MediaType::video) path = join_path(set.data_root, path);
  }
}

/// Of a set's first three rows at least one must have its medium, or the data_root is wrong.
inline void check_first_media(Mixture const& mixture, DataSet const& set,
                              std::filesystem::path const& yaml) {
  if (set.video_read_type == "fake") return;
  if (set.media_type == MediaType::text || set.media_type == MediaType::mix) return;
  std::string tried;
  for (std::int64_t i = set.first; i < set.first + std::min<std::int64_t>(3, set.count); ++i) {
    tried = mixture.rows[static_cast<std::size_t>(i)].media.front();
    std::error_code ignored;
    if (std::filesystem::exists(mixture.file_of(tried), ignored)) return;
  }
  throw InputError(fmt::format(
      "{}: none of the first media files of {} exists (the last tried is {}); is data_root right?",
      yaml.string(), set.json_path, mixture.file_of(tried).string()));
}

}  // namespace detail

/// Reads a mixture and all its annotation files.
/// \throws InputError if a file cannot be read, says what it may not, or leaves no row to use
inline Mixture read_mixture(std::filesystem::path const& path, MixtureOptions options = {}) {
  Mixture mixture;
  mixture.folder = path.parent_path();
  for (DataSet& set : read_mixture_file(path)) {
    auto const file = mixture.file_of(set.json_path);
    auto rows = read_annotations(file);
    if (!set.media_type) {
      constexpr std::array<MediaType, 3> types{MediaType::text, MediaType::image, MediaType::video};
      set.media_type = types[static_cast<std::size_t>(rows.front().modality)];
    }
    auto const [first, count] = detail::slice_of(
        set.sampling_strategy, static_cast<std::int64_t>(rows.size()), [&](std::string_view why) {
          throw InputError(fmt::format("{}: sampling_strategy \"{}\" of {}: {}.", path.string(),
                                       set.sampling_strategy, set.json_path, why));
        });
    set.first = static_cast<std::int64_t>(mixture.rows.size());
    std::size_t const broken_before = mixture.broken.size();
    for (std::int64_t i = first; i < first + count; ++i) {
      Row& row = rows[static_cast<std::size_t>(i)];
      detail::place_media(row, set, options);
      if (row.problem.empty())
        mixture.rows.push_back(std::move(row));
      else
        mixture.broken.push_back({file.string(), row.number, row.problem});
    }
    set.count = static_cast<std::int64_t>(mixture.rows.size()) - set.first;
    if (set.count == 0)
      throw InputError(fmt::format("{}: {} leaves no row to use; the first reason: row {} {}.",
                                   path.string(), set.json_path, mixture.broken[broken_before].row,
                                   mixture.broken[broken_before].problem));
    detail::check_first_media(mixture, set, path);
    mixture.sets.push_back(std::move(set));
  }
  return mixture;
}

/// How many words a row's turns hold, upstream's estimate of its length (Python's `split()`).
inline std::int64_t words_of(Row const& row) {
  std::int64_t words = 0;
  for (auto const& turn : row.turns) {
    bool inside = false;
    std::string_view const text = turn.value;
    for (std::size_t i = 0; i < text.size();) {
      auto const byte = static_cast<unsigned char>(text[i]);
      std::size_t size = byte < 0x80 ? 1 : byte < 0xE0 ? 2 : byte < 0xF0 ? 3 : 4;
      size = std::min(size, text.size() - i);
      std::string_view const character = text.substr(i, size);
      bool space = size == 1 && ((byte >= 9 && byte <= 13) || (byte >= 28 && byte <= 32));
      space = space || character == "\u0085" || character == "\u00A0" || character == "\u1680" ||
              (character >= "\u2000" && character <= "\u200A" && size == 3) ||
              character == "\u2028" || character == "\u2029" || character == "\u202F" ||
              character == "\u205F" || character == "\u3000";
      if (!space && !inside) ++words;
      inside = !space;
      i += size;
    }
  }
  return words;
}

/// A row's length for grouping: words, negative without a medium; upstream's `modality_lengths`.
inline std::int64_t modality_length(Row const& row) {
  std::int64_t const words = words_of(row);
  return row.media.empty() ? -words : words;
}

}  // namespace vcflash::data
