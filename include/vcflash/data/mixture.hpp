#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
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
  std::size_t set = 0;  ///< which of the mixture's sets the file is

  std::string sentence() const { return fmt::format("{}: row {} {}.", file, row, problem); }
};

struct MixtureOptions {
  bool allow_outside = false;  ///< media may lie outside the data_root of their set
};

namespace detail {

/// Python's os.path.join, which upstream's paths are made by.
inline std::string join_path(std::string const& root, std::string const& path) {
  if (root.empty() || path.starts_with('/')) return path;
  return root.ends_with('/') ? root + path : root + '/' + path;
}

/// Whether a set's media paths are put behind its data_root.
inline bool has_root(DataSet const& set) {
  return set.media_type == MediaType::image || set.media_type == MediaType::video;
}

inline bool fits(DataSet const& set, Modality modality) {
  return !has_root(set) || name_of(*set.media_type) == name_of(modality);
}

}  // namespace detail

/// A data mixture and the rows of all its annotation files, set after set. Rows are parsed when
/// they are asked for; 32 bytes a row stay in memory. Any thread may read it.
class Mixture {
 public:
  /// \param path of a mixture file
  /// \throws InputError if a file cannot be read, says what it may not, or leaves no row to use
  explicit Mixture(std::filesystem::path const& path, MixtureOptions options = {})
      : folder_(path.parent_path()), options_(options) {
    for (DataSet& set : read_mixture_file(path)) add(std::move(set), path);
  }

  std::vector<DataSet> const& sets() const { return sets_; }
  std::vector<BrokenRow> const& broken() const { return broken_; }
  std::int64_t size() const { return static_cast<std::int64_t>(places_.size()); }

  /// Reads a row, its media paths those of the files. \param index in [0, size())
  /// \throws InputError if the file is no longer what it was
  Row row(std::int64_t index) const {
    Place const place = places_[static_cast<std::size_t>(index)];
    DataSet const& set = sets_[place.set];
    Row row = files_[place.set]->row(place.row);
    if (!row.problem.empty() || !detail::fits(set, row.modality))
      throw InputError(fmt::format("{}: row {} is no longer what it was when the file was opened.",
                                   files_[place.set]->name(), row.number));
    if (!set.video_read_type.empty()) row.read_type = set.video_read_type;
    if (detail::has_root(set))
      for (std::string& medium : row.media) medium = detail::join_path(set.data_root, medium);
    for (std::string& medium : row.media) medium = file_of(medium).string();
    if (!options_.allow_outside)
      row.root = file_of(detail::has_root(set) ? set.data_root : "").string();
    return row;
  }

  /// The JSON of a row.
  std::string_view text(std::int64_t index) const {
    Place const place = places_[static_cast<std::size_t>(index)];
    return files_[place.set]->text(place.row);
  }

  /// Words of a row's turns, and of which modality it is; nothing is read for it.
  std::int64_t words(std::int64_t index) const { return entry(index).words; }
  Modality modality(std::int64_t index) const {
    return static_cast<Modality>(entry(index).modality);
  }

 private:
  struct Place {
    std::uint32_t set, row;  ///< row of the set's file
  };

  /// Relative paths start at the mixture file's folder.
  std::filesystem::path file_of(std::string const& path) const { return folder_ / path; }

  IndexEntry const& entry(std::int64_t index) const {
    Place const place = places_[static_cast<std::size_t>(index)];
    return files_[place.set]->entry(place.row);
  }

  void add(DataSet set, std::filesystem::path const& yaml) {
    auto const file = std::make_shared<AnnotationFile const>(file_of(set.json_path));
    if (!set.media_type) {
      constexpr std::array<MediaType, 3> types{MediaType::text, MediaType::image, MediaType::video};
      set.media_type = types[file->entry(0).modality];
    }
    auto const [first, count] =
        detail::slice_of(set.sampling_strategy, file->size(), [&](std::string_view why) {
          throw InputError(fmt::format("{}: sampling_strategy \"{}\" of {}: {}.", yaml.string(),
                                       set.sampling_strategy, set.json_path, why));
        });
    set.first = size();
    std::size_t const broken_before = broken_.size();
    places_.reserve(places_.size() + static_cast<std::size_t>(count));
    for (std::int64_t row = first; row < first + count; ++row) {
      auto problem = problem_of(*file, row, set);
      if (problem.empty())
        places_.push_back(
            {static_cast<std::uint32_t>(sets_.size()), static_cast<std::uint32_t>(row)});
      else
        broken_.push_back(
            {file->name(), file->entry(row).number, std::move(problem), sets_.size()});
    }
    set.count = size() - set.first;
    if (set.count == 0)
      throw InputError(fmt::format("{}: {} leaves no row to use; the first reason: row {} {}.",
                                   yaml.string(), set.json_path, broken_[broken_before].row,
                                   broken_[broken_before].problem));
    files_.push_back(file);
    sets_.push_back(std::move(set));
    check_first_media(sets_.back(), yaml);
  }

  /// Why a row is left out; empty for a row to use.
  std::string problem_of(AnnotationFile const& file, std::int64_t row, DataSet const& set) const {
    IndexEntry const& entry = file.entry(row);
    if (entry.broken != 0) return file.row(row).problem;
    if (!detail::fits(set, static_cast<Modality>(entry.modality)))
      return fmt::format("has no {}, as the other rows of its set have (media_type: {})",
                         name_of(*set.media_type), name_of(*set.media_type));
    if (entry.outside == 0 || options_.allow_outside) return {};
    auto const media = file.row(row).media;
    return fmt::format("has the media path {}, which leaves its data_root",
                       *std::ranges::find_if(media, leaves_root));
  }

  /// Of a set's first three rows at least one must have its medium, or the data_root is wrong.
  void check_first_media(DataSet const& set, std::filesystem::path const& yaml) const {
    if (set.video_read_type == "fake" || !detail::has_root(set)) return;
    std::string tried;
    for (std::int64_t i = set.first; i < set.first + std::min<std::int64_t>(3, set.count); ++i) {
      tried = row(i).media.front();
      std::error_code ignored;
      if (std::filesystem::exists(tried, ignored)) return;
    }
    throw InputError(
        fmt::format("{}: none of the first media files of {} exists (the last tried is {}); is "
                    "data_root right?{}",
                    yaml.string(), set.json_path, tried,
                    set.media_from.empty() ? "" : " They are had from " + set.media_from + "."));
  }

  std::filesystem::path folder_;  ///< where relative paths start
  MixtureOptions options_;
  std::vector<DataSet> sets_;
  std::vector<std::shared_ptr<AnnotationFile const>> files_;  ///< one a set
  std::vector<Place> places_;
  std::vector<BrokenRow> broken_;
};

}  // namespace vcflash::data
