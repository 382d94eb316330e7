#pragma once

#include <cstdint>
#include <filesystem>

#include <fmt/format.h>
#include <simdjson.h>

#include <vcflash/data/annotation.hpp>
#include <vcflash/data/row_reader.hpp>
#include <vcflash/meta/error.hpp>

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

VCFLASH_INLINE Row AnnotationFile::row(std::int64_t row) const {
  thread_local RowReader reader;
  file_.require_whole();
  std::int64_t const number = entry(row).number;
  try {
    return reader.read(text(row)).row(number);
  } catch (simdjson::simdjson_error const& error) {
    Row broken;
    broken.number = number;
    broken.problem = fmt::format("cannot be read: {}", detail::reason(error.error()));
    return broken;
  }
}

}  // namespace vcflash::data
