#pragma once

#include <fmt/format.h>
#include <simdjson.h>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include <vcflash/base/error.hpp>
#include <vcflash/text/utf8.hpp>

namespace vcflash::text {

/// No vocabulary comes near this many ids; a file that claims more would only eat memory.
inline constexpr std::int64_t most_token_ids = 1 << 22;

namespace detail {

inline std::string read_whole(std::filesystem::path const& path) {
  std::error_code error;
  auto const size = std::filesystem::file_size(path, error);
  constexpr std::uintmax_t most = 512u << 20;
  if (error)
    throw InputError(fmt::format("{}: cannot be read: {}", path.string(), error.message()));
  if (size > most) {
    throw InputError(fmt::format("{}: {} bytes are no tokenizer file; at most {} are expected",
                                 path.string(), size, most));
  }
  std::ifstream file(path, std::ios::binary);
  std::string bytes(size, '\0');
  if (!file.read(bytes.data(), static_cast<std::streamsize>(size))) {
    throw InputError(fmt::format("{}: cannot be read to its end", path.string()));
  }
  return bytes;
}

inline void write_whole(std::filesystem::path const& path, std::string_view bytes) {
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  file.close();
  if (!file) {
    throw Error(fmt::format("{}: cannot be written; is the disk full or the folder missing?",
                            path.string()));
  }
}

inline std::string_view kind_of(simdjson::dom::element element) {
  using simdjson::dom::element_type;
  switch (element.type()) {
    case element_type::ARRAY:
      return "an array";
    case element_type::OBJECT:
      return "an object";
    case element_type::INT64:
    case element_type::UINT64:
      return "an integer";
    case element_type::DOUBLE:
      return "a fraction";
    case element_type::STRING:
      return "a string";
    case element_type::BOOL:
      return "true or false";
    case element_type::NULL_VALUE:
      return "null";
  }
  return "something unknown";
}

/// One value of a JSON file, with the way to it for messages.
class Json {
 public:
  Json(std::filesystem::path const& file, simdjson::dom::element element, std::string way = "")
      : file_(&file), element_(element), way_(std::move(way)) {}

  [[noreturn]] void wrong(std::string_view expected) const { wrong(kind_of(element_), expected); }
  [[noreturn]] void wrong(std::string_view found, std::string_view expected) const {
    throw InputError(fmt::format("{}: {} is {}, but {} is expected", file_->string(),
                                 way_.empty() ? "the whole" : way_, found, expected));
  }

  /// The member, or nothing where it is missing or null.
  std::optional<Json> find(std::string_view key) const {
    simdjson::dom::element member;
    if (object()[key].get(member) != simdjson::SUCCESS || member.is_null()) return std::nullopt;
    return Json(*file_, member, way_.empty() ? std::string(key) : fmt::format("{}.{}", way_, key));
  }
  Json at(std::string_view key) const {
    if (auto member = find(key)) return *member;
    throw InputError(fmt::format("{}: {} is missing{}{}", file_->string(), key,
                                 way_.empty() ? "" : " in ", way_));
  }
  Json item(simdjson::dom::element element, std::size_t index) const {
    return Json(*file_, element, fmt::format("{}[{}]", way_, index));
  }
  Json member(simdjson::dom::element element, std::string_view key) const {
    return Json(*file_, element, fmt::format("{}[{}]", way_, in_quotes(key)));
  }

  simdjson::dom::object object() const {
    simdjson::dom::object value;
    if (element_.get(value) != simdjson::SUCCESS) wrong("an object");
    return value;
  }
  simdjson::dom::array array() const {
    simdjson::dom::array value;
    if (element_.get(value) != simdjson::SUCCESS) wrong("an array");
    return value;
  }
  bool is_array() const { return element_.is_array(); }
  std::string_view text() const {
    std::string_view value;
    if (element_.get(value) != simdjson::SUCCESS) wrong("a string");
    return value;
  }
  bool flag() const {
    bool value = false;
    if (element_.get(value) != simdjson::SUCCESS) wrong("true or false");
    return value;
  }
  bool flag(std::string_view key, bool fallback) const {
    auto const member = find(key);
    return member ? member->flag() : fallback;
  }
  std::int64_t token_id() const {
    std::int64_t value = -1;
    bool const integer = element_.get(value) == simdjson::SUCCESS;
    if (!integer && !element_.is_uint64()) wrong("a token id");
    if (value < 0 || value >= most_token_ids) {
      wrong(integer ? fmt::format("{}", value) : "over 2^63",
            fmt::format("an id from 0 to {}", most_token_ids - 1));
    }
    return value;
  }
  /// Stops where a setting that changes the result has a value that is not supported.
  void only(bool accepted, std::string_view expected) const {
    if (!accepted) wrong(element_.is_string() ? in_quotes(text()) : to_text(), expected);
  }

 private:
  std::string to_text() const {
    auto text = simdjson::minify(element_);
    return text.size() > 60 ? std::string(kind_of(element_)) : text;
  }

  std::filesystem::path const* file_;
  simdjson::dom::element element_;
  std::string way_;
};

inline Json parsed(std::filesystem::path const& file, std::string const& bytes,
                   simdjson::dom::parser& parser) {
  simdjson::dom::element root;
  if (auto const error = parser.parse(bytes).get(root)) {
    throw InputError(fmt::format("{}: no JSON: {}", file.string(), simdjson::error_message(error)));
  }
  return Json(file, root);
}

}  // namespace detail
}  // namespace vcflash::text
