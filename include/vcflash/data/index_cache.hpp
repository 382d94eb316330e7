#pragma once

#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include <vcflash/base/error.hpp>
#include <vcflash/data/row_index.hpp>
#include <vcflash/media/byte_source.hpp>

/// Keeps the index of a large annotation file, so that it is made once. The cache lies beside the
/// annotations (`.NAME.vcflash-index`), or in the user's cache folder where that cannot be written.
namespace vcflash::data {

/// A number that changes when the bytes change; not made to withstand an attacker.
inline std::uint64_t hash_of(std::string_view bytes, std::uint64_t seed = 0) {
  constexpr std::uint64_t prime = 0x9E3779B185EBCA87U;
  std::uint64_t lanes[4]{seed + prime, seed ^ prime, seed, ~seed};
  std::size_t at = 0;
  for (; at + 32 <= bytes.size(); at += 32) {
    std::uint64_t words[4];
    std::memcpy(words, bytes.data() + at, 32);
    for (int i = 0; i < 4; ++i) lanes[i] = std::rotl((lanes[i] ^ words[i]) * prime, 31);
  }
  std::uint64_t hash = bytes.size() * prime;
  for (std::uint64_t const lane : lanes) hash = std::rotl((hash ^ lane) * prime, 29);
  for (; at < bytes.size(); ++at)
    hash = std::rotl((hash ^ static_cast<unsigned char>(bytes[at])) * prime, 29);
  return hash ^ (hash >> 32);
}

/// Of a long file up to 256 blocks of 4 KiB count, spread evenly with the first and the last among
/// them: whatever its size, opening it again takes a moment.
inline std::uint64_t content_hash(media::ByteSource const& file) {
  constexpr std::int64_t block = 4096, blocks = 256;
  bool const all = file.size() <= block * blocks;
  std::vector<std::uint8_t> bytes(static_cast<std::size_t>(all ? file.size() : block));
  std::uint64_t hash = 0;
  for (std::int64_t i = 0; i < (all ? 1 : blocks); ++i) {
    std::int64_t const last = file.size() - std::ssize(bytes);
    bytes.resize(file.read_at(i + 1 == blocks ? last : last / (blocks - 1) * i, bytes));
    hash = hash_of({reinterpret_cast<char const*>(bytes.data()), bytes.size()}, hash);
  }
  return hash;
}

/// The entries of an index.
class RowIndex {
 public:
  explicit RowIndex(std::vector<IndexEntry> entries, bool from_cache = false)
      : entries_(std::move(entries)), from_cache_(from_cache) {}

  std::span<IndexEntry const> entries() const { return entries_; }
  bool from_cache() const { return from_cache_; }

 private:
  std::vector<IndexEntry> entries_;
  bool from_cache_;
};

namespace detail {

/// What stands before the entries of a cache file.
struct CacheHeader {
  char magic[16]{'v', 'c', 'f', 'l', 'a', 's', 'h', '-', 'i', 'n', 'd', 'e', 'x', '-', '2', '\n'};
  media::FileStamp stamp;
  std::uint64_t content = 0;
  std::uint64_t count = 0;
  std::uint64_t entries = 0;  ///< their hash
};
static_assert(sizeof(CacheHeader) == 56);

inline std::string_view bytes_of(std::span<IndexEntry const> entries) {
  return {reinterpret_cast<char const*>(entries.data()), entries.size_bytes()};
}

/// Where an annotation file's index may be kept, the best place first.
inline std::vector<std::filesystem::path> cache_places(std::filesystem::path const& annotations) {
  std::error_code error;
  auto const path = std::filesystem::absolute(annotations, error);
  std::vector<std::filesystem::path> places{
      path.parent_path() / fmt::format(".{}.vcflash-index", path.filename().string())};
  char const* const cache = std::getenv("XDG_CACHE_HOME");
  char const* const home = std::getenv("HOME");
  std::filesystem::path const folder = cache != nullptr && *cache != '\0'
                                           ? std::filesystem::path(cache)
                                       : home != nullptr ? std::filesystem::path(home) / ".cache"
                                                         : std::filesystem::path();
  if (!folder.empty())
    places.push_back(folder / "vcflash/index" /
                     fmt::format("{:016x}.vcflash-index", hash_of(path.string())));
  return places;
}

inline std::optional<RowIndex> load_cache(std::filesystem::path const& place,
                                          media::FileStamp const& stamp, std::uint64_t content) {
  std::error_code error;
  if (!std::filesystem::is_regular_file(place, error)) return {};
  try {
    media::StoredFile const file(place);
    auto const read = [&](std::int64_t at, void* bytes, std::size_t count) {
      return file.read_at(at, {static_cast<std::uint8_t*>(bytes), count}) == count;
    };
    CacheHeader header;
    if (!read(0, &header, sizeof header)) return {};
    if (std::memcmp(header.magic, CacheHeader{}.magic, sizeof header.magic) != 0 ||
        header.stamp != stamp || header.content != content ||
        std::uint64_t(file.size()) - sizeof header != header.count * sizeof(IndexEntry) ||
        header.count > std::uint64_t(file.size()))
      return {};
    std::vector<IndexEntry> entries(static_cast<std::size_t>(header.count));
    if (!read(sizeof header, entries.data(), entries.size() * sizeof(IndexEntry)) ||
        hash_of(bytes_of(entries)) != header.entries)
      return {};
    bool const inside = std::ranges::all_of(entries, [&](IndexEntry const& entry) {
      return entry.offset <= stamp.size && entry.bytes <= stamp.size - entry.offset &&
             entry.modality <= 2;
    });
    if (!inside) return {};
    return RowIndex(std::move(entries), true);
  } catch (InputError const&) {
    return {};
  }
}

/// Whole or not at all, as others may read it. A place that cannot be written is passed over.
inline bool save_cache(std::filesystem::path const& place, CacheHeader const& header,
                       std::span<IndexEntry const> entries) {
  std::error_code error;
  std::filesystem::create_directories(place.parent_path(), error);
  auto temporary = place;
  temporary += fmt::format(".{}", ::getpid());
  {
    std::ofstream stream(temporary, std::ios::binary);
    stream.write(reinterpret_cast<char const*>(&header), sizeof header);
    stream.write(bytes_of(entries).data(), static_cast<std::streamsize>(entries.size_bytes()));
    if (stream.flush()) {
      std::filesystem::rename(temporary, place, error);
      if (!error) return true;
    }
  }
  std::filesystem::remove(temporary, error);
  return false;
}

}  // namespace detail

/// The index of a file: from its cache if the file's size, time and content are those of then, else
/// made, and kept if the file is large.
/// \param lines one row a line, or one list  \throws InputError as `index_rows` does
inline RowIndex index_of(media::StoredFile const& file, bool lines) {
  constexpr std::uint64_t worth_keeping = std::uint64_t{1} << 20;
  if (file.stamp().size < worth_keeping) return RowIndex(index_rows(file, lines));
  detail::CacheHeader header;
  header.stamp = file.stamp();
  header.content = content_hash(file);
  auto const places = detail::cache_places(file.name());
  for (auto const& place : places)
    if (auto index = detail::load_cache(place, header.stamp, header.content))
      return std::move(*index);
  RowIndex index(index_rows(file, lines));
  header.count = index.entries().size();
  header.entries = hash_of(detail::bytes_of(index.entries()));
  for (auto const& place : places)
    if (detail::save_cache(place, header, index.entries())) break;
  return index;
}

}  // namespace vcflash::data
