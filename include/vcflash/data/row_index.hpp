#pragma once

#include <cstdint>
#include <vector>

#include <vcflash/media/byte_source.hpp>
#include <vcflash/meta/separate.hpp>

namespace vcflash::data {

/// What is known of a row before it is read.
struct IndexEntry {
  std::uint64_t offset = 0;  ///< in the file
  std::uint32_t bytes = 0;
  std::uint32_t number = 0;  ///< `Row::number`
  std::uint32_t words = 0;   ///< of its turns; 0 for a broken row
  std::uint8_t modality = 0;
  std::uint8_t broken = 0;   ///< reading it says what its problem is
  std::uint8_t outside = 0;  ///< one of its media paths leaves the folder it is put behind
  std::uint8_t unused = 0;
  bool operator==(IndexEntry const&) const = default;
};
static_assert(sizeof(IndexEntry) == 24);

/// Finds a file's rows and what is to be known of each before it is read. A row of the wrong shape
/// or that is no JSON is a broken row; blank lines of a `.jsonl` are skipped.
/// \param lines one row a line (`.jsonl`), or one list (`.json`)
/// \throws InputError if the file is no JSON list
std::vector<IndexEntry> index_rows(media::ByteSource const& file, bool lines);

}  // namespace vcflash::data

#ifndef VCFLASH_SEPARATE
#include <vcflash/data/row_index.ipp>
#endif
