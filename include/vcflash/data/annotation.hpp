#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>

#include <vcflash/data/index_cache.hpp>
#include <vcflash/data/row.hpp>
#include <vcflash/data/row_index.hpp>
#include <vcflash/media/byte_source.hpp>
#include <vcflash/meta/separate.hpp>

namespace vcflash::data {

/// LLaVA-NeXT annotations of any size: a `.json` list of rows or a `.jsonl` of one row a line. What
/// stays in memory is 24 bytes a row; a row is parsed when it is asked for. Any thread may use it.
class AnnotationFile {
 public:
  /// \throws InputError if the file cannot be read, is no JSON list, or holds no row
  explicit AnnotationFile(std::filesystem::path const& path);

  std::string const& name() const { return file_.name(); }
  std::int64_t size() const { return std::int64_t(index_.entries().size()); }
  bool from_cache() const { return index_.from_cache(); }

  /// \param row in [0, size())
  IndexEntry const& entry(std::int64_t row) const {
    return index_.entries()[static_cast<std::size_t>(row)];
  }

  /// The JSON of a row.
  std::string text(std::int64_t row) const;

  /// Reads a row; one of the wrong shape comes with its problem.
  /// \throws ReadError if the file cannot be read or has become shorter
  Row row(std::int64_t row) const;

 private:
  media::StoredFile file_;
  RowIndex index_;
};

}  // namespace vcflash::data

#ifndef VCFLASH_SEPARATE
#include <vcflash/data/annotation.ipp>
#endif
