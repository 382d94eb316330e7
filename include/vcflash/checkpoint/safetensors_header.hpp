#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <map>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include <vcflash/base/error.hpp>

/// The header of a safetensors file (https://github.com/huggingface/safetensors): eight bytes of
/// length, JSON, then the tensors' bytes without holes. Read as hostile.
namespace vcflash::checkpoint {

static_assert(std::endian::native == std::endian::little, "safetensors are little-endian");

/// One tensor as the header describes it.
struct SafetensorsEntry {
  std::string name;
  std::string dtype;  ///< `F32`, `BF16`, …
  std::vector<std::int64_t> shape;
  std::uint64_t begin = 0, end = 0;  ///< bytes, from the end of the header
};

/// What one dtype of the format is called and weighs. In the order in which the format's own
/// library writes tensors last to first.
struct SafetensorsType {
  std::string_view name;
  std::size_t bytes;
};
inline constexpr std::array<SafetensorsType, 16> safetensors_types{{{"BOOL", 1},
                                                                    {"U8", 1},
                                                                    {"I8", 1},
                                                                    {"F8_E5M2", 1},
                                                                    {"F8_E4M3", 1},
                                                                    {"I16", 2},
                                                                    {"U16", 2},
                                                                    {"F16", 2},
                                                                    {"BF16", 2},
                                                                    {"I32", 4},
                                                                    {"U32", 4},
                                                                    {"F32", 4},
                                                                    {"C64", 8},
                                                                    {"F64", 8},
                                                                    {"I64", 8},
                                                                    {"U64", 8}}};

/// \return the index in `safetensors_types`, or their number if there is no such dtype
constexpr std::size_t safetensors_rank(std::string_view dtype) {
  std::size_t rank = 0;
  while (rank < safetensors_types.size() && safetensors_types[rank].name != dtype) ++rank;
  return rank;
}

namespace detail {

/// Takes the header's JSON event by event, so that depth, duplicates and types are judged before
/// anything is built from them.
class HeaderParser : public nlohmann::json_sax<nlohmann::json> {
 public:
  std::vector<SafetensorsEntry> entries;
  std::map<std::string, std::string> metadata;
  std::string problem;  // why parsing stopped

  bool start_object(std::size_t) override {
    switch (place_) {
      case Place::start:
        place_ = Place::file;
        return true;
      case Place::tensor_value:
        place_ = Place::tensor;
        fields_.clear();
        return true;
      case Place::metadata_value:
        place_ = Place::metadata;
        return true;
      default:
        return stop("an object where none may stand");
    }
  }

  bool key(std::string& name) override {
    switch (place_) {
      case Place::file:
        if (!names_.insert(name).second) return stop(fmt::format("two entries named '{}'", name));
        if (name == "__metadata__") {
          place_ = Place::metadata_value;
        } else {
          entries.emplace_back().name = name;
          place_ = Place::tensor_value;
        }
        return true;
      case Place::metadata:
        metadata_key_ = name;
        place_ = Place::metadata_text;
        return metadata.emplace(name, "").second || stop("two metadata of one name");
      case Place::tensor:
        if (!fields_.insert(name).second) return stop(fmt::format("two fields '{}'", name));
        if (name == "dtype") return go(Place::dtype);
        if (name == "shape") return go(Place::shape_value);
        if (name == "data_offsets") return go(Place::offsets_value);
        return stop(fmt::format("an unknown field '{}'", name));
      default:
        return stop("a misplaced name");
    }
  }

  bool string(std::string& text) override {
    if (place_ == Place::metadata_text) {
      metadata[metadata_key_] = text;
      return go(Place::metadata);
    }
    if (place_ != Place::dtype) return stop(fmt::format("a misplaced text '{:.40}'", text));
    if (safetensors_rank(text) == safetensors_types.size()) {
      return stop(fmt::format("the unknown dtype '{:.40}'", text));
    }
    entries.back().dtype = text;
    return go(Place::tensor);
  }

  bool start_array(std::size_t) override {
    if (place_ == Place::shape_value) return go(Place::shape);
    if (place_ == Place::offsets_value) return go(Place::begin);
    return stop("a list where none may stand");
  }

  bool number_unsigned(std::uint64_t number) override {
    switch (place_) {
      case Place::shape:
        if (number > std::numeric_limits<std::int64_t>::max()) return stop("a dimension too large");
        if (entries.back().shape.size() == 64) return stop("more than 64 dimensions");
        entries.back().shape.push_back(static_cast<std::int64_t>(number));
        return true;
      case Place::begin:
        entries.back().begin = number;
        return go(Place::end);
      case Place::end:
        entries.back().end = number;
        return go(Place::offsets_full);
      default:
        return stop("a misplaced number");
    }
  }

  bool end_array() override {
    if (place_ == Place::shape || place_ == Place::offsets_full) return go(Place::tensor);
    return stop("a list of offsets that is too short");
  }

  bool end_object() override {
    switch (place_) {
      case Place::tensor:
        if (fields_.size() != 3) {
          return stop("an entry that lacks one of dtype, shape and data_offsets");
        }
        return go(Place::file);
      case Place::metadata:
        return go(Place::file);
      case Place::file:
        return go(Place::done);
      default:
        return stop("a misplaced end");
    }
  }

  bool null() override { return stop("a null"); }
  bool boolean(bool) override { return stop("a true or false"); }
  bool number_integer(std::int64_t number) override {
    return stop(fmt::format("the negative number {}", number));
  }
  bool number_float(double, std::string const& text) override {
    return stop(fmt::format("the number {:.40}, which is no whole number of 64 bits", text));
  }
  bool binary(binary_t&) override { return stop("binary data"); }
  bool parse_error(std::size_t position, std::string const&,
                   nlohmann::json::exception const&) override {
    return stop(fmt::format("something that is not JSON at byte {} of the header", position));
  }

 private:
  enum class Place {
    start,
    file,
    tensor_value,
    tensor,
    dtype,
    shape_value,
    shape,
    offsets_value,
    begin,
    end,
    offsets_full,
    metadata_value,
    metadata,
    metadata_text,
    done
  };

  bool go(Place place) {
    place_ = place;
    return true;
  }
  bool stop(std::string what) {
    problem = entries.empty() ? std::move(what)
                              : fmt::format("{} (by tensor '{}')", what, entries.back().name);
    return false;
  }

  Place place_ = Place::start;
  std::set<std::string> names_, fields_;
  std::string metadata_key_;
};

/// \return the bytes a tensor needs; the maximum if that is more than 63 bits can say
inline std::uint64_t bytes_needed(SafetensorsEntry const& entry) {
  constexpr auto limit = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
  std::uint64_t bytes = safetensors_types[safetensors_rank(entry.dtype)].bytes;
  bool empty = false;
  for (auto const dimension : entry.shape) {
    empty = empty || dimension == 0;
    // Beside a zero the others still must not overflow: strides are computed from them.
    auto const factor = static_cast<std::uint64_t>(std::max<std::int64_t>(dimension, 1));
    if (bytes > limit / factor) return std::numeric_limits<std::uint64_t>::max();
    bytes *= factor;
  }
  return empty ? 0 : bytes;
}

}  // namespace detail

/// Puts tensors in the order of the format's own library, wider dtypes first, then by name, and
/// gives each its place behind the one before.
inline void lay_out(std::vector<SafetensorsEntry>& entries) {
  std::ranges::sort(entries, [](SafetensorsEntry const& a, SafetensorsEntry const& b) {
    auto const rank_a = safetensors_rank(a.dtype), rank_b = safetensors_rank(b.dtype);
    return rank_a != rank_b ? rank_a > rank_b : a.name < b.name;
  });
  std::uint64_t position = 0;
  for (auto& entry : entries) {
    entry.begin = position;
    entry.end = position += detail::bytes_needed(entry);
  }
}

/// A header that was found to be sound.
struct SafetensorsHeader {
  std::vector<SafetensorsEntry> entries;  ///< in the order of their bytes
  std::map<std::string, std::string> metadata;
  std::uint64_t data_begin = 0;  ///< where the first tensor's bytes start in the file
};

/// Reads and judges a header: every entry has a known dtype and exactly the bytes its shape needs,
/// and together they cover the rest of the file without a hole or an overlap.
/// \param file the whole file  \param name what the file is called in messages
/// \throws InputError naming the first thing wrong
inline SafetensorsHeader read_safetensors_header(std::span<std::byte const> file,
                                                 std::string_view name) {
  auto const refuse = [&](std::string_view found) {
    throw InputError(fmt::format(
        "{}: is not a sound safetensors file: {}. Was it copied completely?", name, found));
  };
  if (file.size() < 8) refuse(fmt::format("it has {} bytes, fewer than 8", file.size()));
  std::uint64_t length = 0;
  std::memcpy(&length, file.data(), 8);
  std::uint64_t const rest = file.size() - 8;
  if (length > 100'000'000 || length > rest) {
    refuse(fmt::format("its header is said to have {} bytes, {} follow", length, rest));
  }
  std::string_view const text(reinterpret_cast<char const*>(file.data()) + 8, length);
  if (text.empty() || text.front() != '{') refuse("its header does not begin with '{'");
  detail::HeaderParser parser;
  if (!nlohmann::json::sax_parse(text.begin(), text.end(), &parser)) {
    refuse(fmt::format("its header holds {}", parser.problem));
  }

  SafetensorsHeader header{std::move(parser.entries), std::move(parser.metadata), 8 + length};
  std::ranges::sort(header.entries, {}, [](SafetensorsEntry const& entry) {
    return std::pair(entry.begin, entry.end);
  });
  std::uint64_t position = 0;
  for (auto const& entry : header.entries) {
    if (entry.begin != position || entry.end < entry.begin) {
      refuse(fmt::format("tensor '{}' stands at bytes {} to {}, where byte {} comes next",
                         entry.name, entry.begin, entry.end, position));
    }
    if (detail::bytes_needed(entry) != entry.end - entry.begin) {
      refuse(fmt::format("tensor '{}' of {} [{}] has {} bytes", entry.name, entry.dtype,
                         fmt::join(entry.shape, ", "), entry.end - entry.begin));
    }
    position = entry.end;
  }
  if (position != rest - length) {
    refuse(fmt::format("its tensors need {} bytes, {} are there", position, rest - length));
  }
  return header;
}

/// Writes a header as the format's own library does: without spaces, padded with blanks so that
/// the tensors begin at a multiple of 8.
/// \return the file's first bytes, length included
inline std::string write_safetensors_header(std::span<SafetensorsEntry const> entries,
                                            std::map<std::string, std::string> const& metadata) {
  nlohmann::ordered_json header = nlohmann::ordered_json::object();
  if (!metadata.empty()) header["__metadata__"] = metadata;
  for (auto const& entry : entries) {
    header[entry.name] = {
        {"dtype", entry.dtype}, {"shape", entry.shape}, {"data_offsets", {entry.begin, entry.end}}};
  }
  std::string text = header.dump();
  text.resize((text.size() + 7) / 8 * 8, ' ');
  std::uint64_t const length = text.size();
  std::string result(8, '\0');
  std::memcpy(result.data(), &length, 8);
  return result + text;
}

}  // namespace vcflash::checkpoint
