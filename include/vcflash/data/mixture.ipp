#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include <vcflash/base/error.hpp>
#include <vcflash/data/mixture.hpp>

namespace vcflash::data {

namespace detail {

/// Python's os.path.join, which upstream's paths are made by.
inline std::string join_path(std::string const& root, std::string const& path) {
  if (root.empty() || path.starts_with('/')) return path;
  return root.ends_with('/') ? root + path : root + '/' + path;
}

/// Whether a set has rows of one medium only.
inline bool is_uniform(DataSet const& set) {
  return set.media_type == MediaType::image || set.media_type == MediaType::video;
}

/// Whether a set's media paths are put behind its data_root.
inline bool has_root(DataSet const& set) {
  return is_uniform(set) || set.media_type == MediaType::any;
}

inline bool fits(DataSet const& set, Modality modality) {
  return !is_uniform(set) || name_of(*set.media_type) == name_of(modality);
}

/// What a set is of whose entry does not say so: what its first row is that can be read.
inline MediaType type_of(AnnotationFile const& file) {
  constexpr std::array<MediaType, 3> types{MediaType::text, MediaType::image, MediaType::video};
  for (std::int64_t row = 0; row < file.size(); ++row)
    if (file.entry(row).broken == 0) return types[file.entry(row).modality];
  return MediaType::text;
}

}  // namespace detail

VCFLASH_INLINE Mixture::Mixture(std::filesystem::path const& path, MixtureOptions options)
    : folder_(path.has_parent_path() ? path.parent_path() : "."), options_(options) {
  for (DataSet& set : read_mixture_file(path)) add(std::move(set), path);
}

VCFLASH_INLINE Row Mixture::row(std::int64_t index) const {
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

VCFLASH_INLINE void Mixture::add(DataSet set, std::filesystem::path const& yaml) {
  auto const file = std::make_shared<AnnotationFile const>(file_of(set.json_path));
  if (!set.media_type) set.media_type = detail::type_of(*file);
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
      broken_.push_back({file->name(), file->entry(row).number, std::move(problem), sets_.size()});
  }
  std::int64_t const once = size() - set.first;
  if (once > 0) repeat(set, once);
  set.count = size() - set.first;
  if (once == 0)
    throw InputError(fmt::format("{}: {} leaves no row to use; the first reason: row {} {}.",
                                 yaml.string(), set.json_path, broken_[broken_before].row,
                                 broken_[broken_before].problem));
  files_.push_back(file);
  sets_.push_back(std::move(set));
  check_first_media(sets_.back(), yaml);
}

VCFLASH_INLINE void Mixture::repeat(DataSet const& set, std::int64_t once) {
  auto const wanted = std::llround(static_cast<double>(once) * set.repeat);
  std::int64_t const rows = std::max<std::int64_t>(1, wanted);
  places_.resize(static_cast<std::size_t>(set.first + std::min(once, rows)));
  for (std::int64_t row = once; row < rows; ++row)
    places_.push_back(places_[static_cast<std::size_t>(set.first + row % once)]);
}

VCFLASH_INLINE std::string Mixture::problem_of(AnnotationFile const& file, std::int64_t row,
                                               DataSet const& set) const {
  IndexEntry const& entry = file.entry(row);
  if (entry.broken != 0) return file.row(row).problem;
  if (!detail::fits(set, static_cast<Modality>(entry.modality)))
    return fmt::format(
        "has no {0}, as the other rows of its set have (media_type: {0}; any takes rows of every "
        "kind)",
        name_of(*set.media_type));
  if (entry.outside == 0 || options_.allow_outside) return {};
  auto const media = file.row(row).media;
  return fmt::format("has the media path {}, which leaves its data_root",
                     *std::ranges::find_if(media, leaves_root));
}

VCFLASH_INLINE void Mixture::check_first_media(DataSet const& set,
                                               std::filesystem::path const& yaml) const {
  if (set.video_read_type == "fake" || !detail::has_root(set)) return;
  std::string tried;
  std::int64_t left = 3;
  for (std::int64_t i = set.first; i < set.first + set.count && left > 0; ++i) {
    if (modality(i) == Modality::text) continue;
    --left;
    tried = row(i).media.front();
    std::error_code ignored;
    if (std::filesystem::exists(tried, ignored)) return;
  }
  if (tried.empty()) return;
  throw InputError(
      fmt::format("{}: none of the first media files of {} exists (the last tried is {}); is "
                  "data_root right?{}",
                  yaml.string(), set.json_path, tried,
                  set.media_from.empty() ? "" : " They are had from " + set.media_from + "."));
}

}  // namespace vcflash::data
