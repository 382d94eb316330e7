#pragma once

#include <fmt/format.h>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <vcflash/base/vocabulary.hpp>
#include <vcflash/data/annotation.hpp>
#include <vcflash/data/mixture_file.hpp>
#include <vcflash/meta/separate.hpp>

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

/// A data mixture and the rows of all its annotation files, set after set. Rows are parsed when
/// they are asked for; 32 bytes a row stay in memory. Any thread may read it.
class Mixture {
 public:
  /// \param path of a mixture file
  /// \throws InputError if a file cannot be read, says what it may not, or leaves no row to use
  explicit Mixture(std::filesystem::path const& path, MixtureOptions options = {});

  std::vector<DataSet> const& sets() const { return sets_; }
  std::vector<BrokenRow> const& broken() const { return broken_; }
  std::int64_t size() const { return static_cast<std::int64_t>(places_.size()); }

  /// Reads a row, its media paths those of the files. \param index in [0, size())
  /// \throws InputError if the file is no longer what it was
  Row row(std::int64_t index) const;

  /// The JSON of a row.
  std::string text(std::int64_t index) const {
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

  void add(DataSet set, std::filesystem::path const& yaml);

  /// Takes the rows of the last set as often as it says. \param once rows of it so far
  void repeat(DataSet const& set, std::int64_t once);

  /// Why a row is left out; empty for a row to use.
  std::string problem_of(AnnotationFile const& file, std::int64_t row, DataSet const& set) const;

  /// Of a set's first three rows at least one must have its medium, or the data_root is wrong.
  void check_first_media(DataSet const& set, std::filesystem::path const& yaml) const;

  std::filesystem::path folder_;  ///< where relative paths start
  MixtureOptions options_;
  std::vector<DataSet> sets_;
  std::vector<std::shared_ptr<AnnotationFile const>> files_;  ///< one a set
  std::vector<Place> places_;
  std::vector<BrokenRow> broken_;
};

}  // namespace vcflash::data

#ifndef VCFLASH_SEPARATE
#include <vcflash/data/mixture.ipp>
#endif
