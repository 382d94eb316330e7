#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include <vcflash/base/error.hpp>
#include <vcflash/checkpoint/atomic.hpp>

/// Zip archives of uncompressed records, as `torch.save` writes them; ZIP64 included.
namespace vcflash::checkpoint {

namespace detail {

inline constexpr std::uint32_t zip_local = 0x04034b50, zip_central = 0x02014b50,
                               zip_end = 0x06054b50, zip64_end = 0x06064b50,
                               zip64_locator = 0x07064b50;
inline constexpr std::uint16_t zip64_extra = 1;

/// A little-endian number at a position of hostile bytes.
template <class Number>
Number number_at(std::span<std::byte const> bytes, std::uint64_t position) {
  if (position > bytes.size() || bytes.size() - position < sizeof(Number)) {
    throw InputError("it ends too early");
  }
  Number number;
  std::memcpy(&number, bytes.data() + position, sizeof number);
  return number;
}

inline std::span<std::byte const> slice(std::span<std::byte const> bytes, std::uint64_t position,
                                        std::uint64_t length) {
  if (position > bytes.size() || bytes.size() - position < length) {
    throw InputError("it ends too early");
  }
  return bytes.subspan(position, length);
}

/// CRC-32 as zip has it (polynomial 0xEDB88320).
class Crc32 {
 public:
  void add(std::span<std::byte const> bytes) {
    for (auto const byte : bytes) {
      state_ = table[(state_ ^ std::to_integer<std::uint32_t>(byte)) & 0xff] ^ (state_ >> 8);
    }
  }
  std::uint32_t value() const { return ~state_; }

 private:
  static constexpr std::array<std::uint32_t, 256> table = [] {
    std::array<std::uint32_t, 256> entries{};
    for (std::uint32_t i = 0; i < 256; ++i) {
      std::uint32_t entry = i;
      for (int bit = 0; bit < 8; ++bit) entry = (entry >> 1) ^ (entry & 1 ? 0xEDB88320u : 0u);
      entries[i] = entry;
    }
    return entries;
  }();
  std::uint32_t state_ = 0xffffffff;
};

}  // namespace detail

/// The records of a zip archive by name, as views of its bytes.
/// \throws InputError (a bare clause, for the caller's sentence) if the archive is damaged or a
///         record is compressed or encrypted
inline std::map<std::string, std::span<std::byte const>> read_zip(std::span<std::byte const> file) {
  using detail::number_at, detail::slice;
  // The end record stands before a comment of at most 65535 bytes.
  std::uint64_t end = file.size() < 22 ? 0 : file.size() - 22;
  std::uint64_t const lowest = end > 65535 ? end - 65535 : 0;
  while (end > lowest && number_at<std::uint32_t>(file, end) != detail::zip_end) --end;
  if (file.size() < 22 || number_at<std::uint32_t>(file, end) != detail::zip_end) {
    throw InputError("its list of records is missing");
  }
  std::uint64_t records = number_at<std::uint16_t>(file, end + 10);
  std::uint64_t position = number_at<std::uint32_t>(file, end + 16);
  if ((records == 0xffff || position == 0xffffffff) && end >= 20 &&
      number_at<std::uint32_t>(file, end - 20) == detail::zip64_locator) {
    auto const wide = number_at<std::uint64_t>(file, end - 12);
    if (number_at<std::uint32_t>(file, wide) != detail::zip64_end) {
      throw InputError("its list of records is damaged");
    }
    records = number_at<std::uint64_t>(file, wide + 32);
    position = number_at<std::uint64_t>(file, wide + 48);
  }

  std::map<std::string, std::span<std::byte const>> result;
  for (std::uint64_t record = 0; record < records; ++record) {
    if (number_at<std::uint32_t>(file, position) != detail::zip_central) {
      throw InputError("its list of records is damaged");
    }
    auto const flags = number_at<std::uint16_t>(file, position + 8);
    auto const method = number_at<std::uint16_t>(file, position + 10);
    std::uint64_t packed = number_at<std::uint32_t>(file, position + 20);
    std::uint64_t size = number_at<std::uint32_t>(file, position + 24);
    auto const name_length = number_at<std::uint16_t>(file, position + 28);
    auto const extra_length = number_at<std::uint16_t>(file, position + 30);
    auto const comment_length = number_at<std::uint16_t>(file, position + 32);
    std::uint64_t local = number_at<std::uint32_t>(file, position + 42);
    auto const name_bytes = slice(file, position + 46, name_length);
    std::string const name(reinterpret_cast<char const*>(name_bytes.data()), name_bytes.size());

    auto extra = slice(file, position + 46 + name_length, extra_length);
    while (extra.size() >= 4) {
      auto const kind = number_at<std::uint16_t>(extra, 0);
      auto const field = slice(extra, 4, number_at<std::uint16_t>(extra, 2));
      extra = extra.subspan(4 + field.size());
      if (kind != detail::zip64_extra) continue;
      std::uint64_t at = 0;
      for (auto* const value : {&size, &packed, &local}) {
        if (*value != 0xffffffff) continue;
        *value = number_at<std::uint64_t>(field, at);
        at += 8;
      }
    }
    if (method != 0 || (flags & 1) != 0 || packed != size) {
      throw InputError(fmt::format("its record '{}' is compressed, which torch never does", name));
    }
    if (number_at<std::uint32_t>(file, local) != detail::zip_local) {
      throw InputError(fmt::format("its record '{}' is not where the list says", name));
    }
    std::uint64_t const begin = local + 30 + number_at<std::uint16_t>(file, local + 26) +
                                number_at<std::uint16_t>(file, local + 28);
    if (!result.emplace(name, slice(file, begin, size)).second) {
      throw InputError(fmt::format("it has two records '{}'", name));
    }
    position += std::uint64_t{46} + name_length + extra_length + comment_length;
  }
  return result;
}

/// Writes uncompressed records one after another. Contents begin at multiples of 64 bytes, as in
/// torch's own files, so that they can be mapped.
class ZipWriter {
 public:
  explicit ZipWriter(std::filesystem::path const& path) : file_(path) {}

  void add(std::string name, std::span<std::byte const> content) {
    detail::Crc32 crc;
    crc.add(content);
    Record record{std::move(name), content.size(), position_, crc.value()};
    std::string header = fields<std::uint32_t>(detail::zip_local) + common(record);
    // Padding travels in a field of its own, which readers skip. Four bytes are its head.
    auto const wide = record.size >= narrow ? wide_sizes(record) : std::string{};
    auto const filled = position_ + header.size() + 2 + record.name.size() + wide.size() + 4;
    auto const padding = (64 - filled % 64) % 64;
    header += fields<std::uint16_t>(wide.size() + 4 + padding) + record.name + wide +
              fields<std::uint16_t>(0x4246, padding) + std::string(padding, 'Z');
    put(header);
    file_.write(content);
    position_ += content.size();
    records_.push_back(std::move(record));
  }

  void add(std::string name, std::string_view content) {
    add(std::move(name), std::as_bytes(std::span(content.data(), content.size())));
  }

  void commit() {
    auto const begin = position_;
    for (auto const& record : records_) {
      bool const far = record.begin >= narrow;
      auto wide = record.size >= narrow ? fields<std::uint64_t>(record.size, record.size) : "";
      if (far) wide += fields<std::uint64_t>(record.begin);
      if (!wide.empty()) wide = fields<std::uint16_t>(detail::zip64_extra, wide.size()) + wide;
      put(fields<std::uint32_t>(detail::zip_central) + fields<std::uint16_t>(version) +
          common(record) + fields<std::uint16_t>(wide.size(), 0, 0, 0) + fields<std::uint32_t>(0) +
          fields<std::uint32_t>(far ? narrow : record.begin) + record.name + wide);
    }
    auto const end = position_, size = end - begin;
    bool const wide = begin >= narrow || records_.size() >= 0xffff;
    if (wide) {
      put(fields<std::uint32_t>(detail::zip64_end) + fields<std::uint64_t>(44) +
          fields<std::uint16_t>(version, version) + fields<std::uint32_t>(0, 0) +
          fields<std::uint64_t>(records_.size(), records_.size(), size, begin) +
          fields<std::uint32_t>(detail::zip64_locator, 0) + fields<std::uint64_t>(end) +
          fields<std::uint32_t>(1));
    }
    auto const count = wide ? 0xffff : records_.size();
    put(fields<std::uint32_t>(detail::zip_end) + fields<std::uint16_t>(0, 0, count, count) +
        fields<std::uint32_t>(size, wide ? narrow : begin) + fields<std::uint16_t>(0));
    file_.commit();
  }

 private:
  struct Record {
    std::string name;
    std::uint64_t size, begin;
    std::uint32_t crc;
  };
  static constexpr std::uint64_t narrow = 0xffffffff;  // 32-bit fields end here
  static constexpr int version = 45;                   // of the format: 4.5 knows ZIP64

  template <class Number, class... Values>
  static std::string fields(Values... values) {
    std::string result;
    auto append = [&](Number value) {
      result.append(reinterpret_cast<char const*>(&value), sizeof value);
    };
    (append(static_cast<Number>(values)), ...);
    return result;
  }

  /// What a local and a central header have in common: version needed to name length.
  static std::string common(Record const& record) {
    auto const size = std::min(record.size, narrow);
    return fields<std::uint16_t>(version, 0, 0, 0, 0) +
           fields<std::uint32_t>(record.crc, size, size) +
           fields<std::uint16_t>(record.name.size());
  }
  static std::string wide_sizes(Record const& record) {
    return fields<std::uint16_t>(detail::zip64_extra, 16) +
           fields<std::uint64_t>(record.size, record.size);
  }

  void put(std::string const& bytes) {
    file_.write(bytes);
    position_ += bytes.size();
  }

  AtomicFile file_;
  std::uint64_t position_ = 0;
  std::vector<Record> records_;
};

}  // namespace vcflash::checkpoint
