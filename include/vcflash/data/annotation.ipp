#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

#include <fmt/format.h>
#include <simdjson.h>

#include <vcflash/base/error.hpp>
#include <vcflash/data/annotation.hpp>
#include <vcflash/data/json_words.hpp>
#include <vcflash/data/padded_text.hpp>
#include <vcflash/data/row_reader.hpp>

namespace vcflash::data {

namespace detail {

inline std::filesystem::path const& named_as_annotations(std::filesystem::path const& path) {
  if (path.extension() != ".json" && path.extension() != ".jsonl")
    throw InputError(fmt::format("{}: an annotation file ends in .json or .jsonl.", path.string()));
  return path;
}

}  // namespace detail

VCFLASH_INLINE AnnotationFile::AnnotationFile(std::filesystem::path const& path)
    : file_(detail::named_as_annotations(path)),
      index_(index_of(file_, path.extension() == ".jsonl")) {
  if (size() == 0) throw InputError(fmt::format("{}: holds no row.", name()));
}

VCFLASH_INLINE std::string AnnotationFile::text(std::int64_t row) const {
  auto const& place = entry(row);
  std::string text = padded_text(file_, std::int64_t(place.offset), place.bytes);
  text.resize(place.bytes);
  return text;
}

VCFLASH_INLINE Row AnnotationFile::row(std::int64_t row) const {
  thread_local RowReader reader;
  auto const& place = entry(row);
  std::string const text = padded_text(file_, std::int64_t(place.offset), place.bytes);
  try {
    return reader.read(std::string_view(text).substr(0, place.bytes)).row(place.number);
  } catch (simdjson::simdjson_error const& error) {
    Row broken;
    broken.number = place.number;
    broken.problem = fmt::format("cannot be read: {}", detail::reason(error.error()));
    return broken;
  }
}

}  // namespace vcflash::data
