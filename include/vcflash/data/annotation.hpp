#pragma once

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <deque>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <simdjson.h>

#include <vcflash/meta/error.hpp>
#include <vcflash/meta/vocabulary.hpp>
#include <vcflash/text/turns.hpp>

/// LLaVA-NeXT annotations: a `.json` list of rows or a `.jsonl` of one row a line. A row is
/// `{"id", "image": path or [paths], "video": path or [paths], "start", "end",
/// "conversations": [{"from": "human" or "gpt", "value"}, …]}`; other fields are ignored.
namespace vcflash::data {

/// One annotated conversation. A row of the wrong shape has a `problem` and is not trained on.
struct Row {
  std::int64_t number = 0;  ///< its place in the file: the list's index, or the line from 1
  std::string id;           ///< as written; empty if there is none
  Modality modality = Modality::text;
  std::vector<std::string> media;    ///< paths, as written
  std::optional<double> start, end;  ///< seconds
  std::vector<text::Turn> turns;
  std::string problem;  ///< a phrase that follows "row 7 "; empty for a good row
};

namespace detail {

namespace json = simdjson::ondemand;

/// Syntax errors end the file (or the line); everything else is the row's own problem.
inline bool is_row_problem(simdjson::error_code error) {
  return error == simdjson::STRING_ERROR || error == simdjson::NUMBER_ERROR ||
         error == simdjson::INCORRECT_TYPE;
}

inline std::string_view name_of(json::json_type type) {
  switch (type) {
    case json::json_type::array:
      return "a list";
    case json::json_type::object:
      return "an object";
    case json::json_type::number:
      return "a number";
    case json::json_type::string:
      return "a string";
    case json::json_type::boolean:
      return "true or false";
    default:
      return "null";
  }
}

/// Reads one row; the first thing wrong with it becomes its problem.
class RowReader {
 public:
  Row read(json::value value) {
    auto const type = static_cast<json::json_type>(value.type());
    if (type != json::json_type::object) {
      blame("is {}, not an object", name_of(type));
      return std::move(row_);
    }
    bool conversations = false;
    for (auto field : value.get_object()) {
      std::string_view const key = field.unescaped_key();
      json::value content = field.value();
      if (key == "conversations") {
        conversations = true;
        guard("conversations", [&] { read_turns(content); });
      } else if (key == "image") {
        guard("image", [&] { read_media(content, Modality::image, key); });
      } else if (key == "video" && row_.modality != Modality::image) {  // an image goes first
        guard("video", [&] { read_media(content, Modality::video, key); });
      } else if (key == "start") {
        guard("start", [&] { row_.start = read_seconds(content, key); });
      } else if (key == "end") {
        guard("end", [&] { row_.end = read_seconds(content, key); });
      } else if (key == "id") {
        guard("id", [&] { read_id(content); });
      }
    }
    if (!conversations) blame("has no conversations");
    if (row_.start && row_.end && *row_.start >= *row_.end)
      blame("starts at {} s, after its end at {} s", *row_.start, *row_.end);
    return std::move(row_);
  }

 private:
  template <class... Parts>
  void blame(fmt::format_string<Parts...> sentence, Parts&&... parts) {
    if (row_.problem.empty()) row_.problem = fmt::format(sentence, std::forward<Parts>(parts)...);
  }

  template <class Read>
  void guard(std::string_view field, Read&& read) {
    try {
      read();
    } catch (simdjson::simdjson_error const& error) {
      if (!is_row_problem(error.error())) throw;
      blame("has a field {} that is no valid text or number", field);
    }
  }

  void read_id(json::value value) {
    if (static_cast<json::json_type>(value.type()) == json::json_type::string)
      row_.id = std::string_view(value.get_string());
    else
      row_.id = simdjson::trim(value.raw_json_token());
  }

  void read_media(json::value value, Modality modality, std::string_view key) {
    auto const type = static_cast<json::json_type>(value.type());
    row_.media.clear();  // the last of two equal keys counts, as in Python's json
    row_.modality = modality;
    if (type == json::json_type::string) {
      row_.media.emplace_back(std::string_view(value.get_string()));
    } else if (type == json::json_type::array) {
      for (json::value item : value.get_array()) {
        auto const item_type = static_cast<json::json_type>(item.type());
        if (item_type == json::json_type::string)
          row_.media.emplace_back(std::string_view(item.get_string()));
        else
          blame("has {} in its list {}, not a path", name_of(item_type), key);
      }
      if (row_.media.empty()) blame("has an empty list as {}", key);
    } else {
      blame("has {} as {}, not a path", name_of(type), key);
    }
  }

  std::optional<double> read_seconds(json::value value, std::string_view key) {
    auto const type = static_cast<json::json_type>(value.type());
    if (type == json::json_type::number) return double(value.get_double());
    if (type == json::json_type::null) return std::nullopt;
    if (type == json::json_type::string) {
      std::string const text(std::string_view(value.get_string()));
      double seconds = 0;
      auto const [stop, error] = std::from_chars(text.data(), text.data() + text.size(), seconds);
      if (error == std::errc() && stop == text.data() + text.size()) return seconds;
      blame("has {} \"{}\", not a number of seconds", key, text);
      return std::nullopt;
    }
    blame("has {} as {}, not a number of seconds", name_of(type), key);
    return std::nullopt;
  }

  void read_turns(json::value value) {
    auto const type = static_cast<json::json_type>(value.type());
    row_.turns.clear();
    if (type != json::json_type::array) {
      blame("has {} as conversations, not a list of turns", name_of(type));
      return;
    }
    std::deque<std::string> strings;  // what `fields` points into
    std::vector<text::TurnFields> fields;
    for (json::value item : value.get_array()) read_turn(item, fields, strings);
    try {
      if (row_.problem.empty()) row_.turns = text::read_turns(fields);
    } catch (InputError const& error) {
      blame("has conversations that cannot be used: {}", error.what());
    }
  }

  void read_turn(json::value value, std::vector<text::TurnFields>& fields,
                 std::deque<std::string>& strings) {
    auto const type = static_cast<json::json_type>(value.type());
    if (type != json::json_type::object) {
      blame("has {} as turn {} of its conversations", name_of(type), fields.size());
      fields.emplace_back();
      return;
    }
    text::TurnFields turn;
    for (auto field : value.get_object()) {
      std::string_view const key = field.unescaped_key();
      auto* const part = key == "from"      ? &turn.from
                         : key == "value"   ? &turn.value
                         : key == "role"    ? &turn.role
                         : key == "content" ? &turn.content
                                            : nullptr;
      if (part == nullptr) continue;
      json::value content = field.value();
      auto const content_type = static_cast<json::json_type>(content.type());
      if (content_type == json::json_type::string)
        *part = strings.emplace_back(std::string_view(content.get_string()));
      else
        blame("has {} in turn {} of its conversations, not text", name_of(content_type),
              fields.size());
    }
    fields.push_back(turn);
  }

  Row row_;
};

inline std::string where(std::string_view text, char const* location) {
  if (location < text.data() || location > text.data() + text.size()) return "at its end";
  std::string_view const before(text.data(), static_cast<std::size_t>(location - text.data()));
  auto const line = std::count(before.begin(), before.end(), '\n') + 1;
  auto const column = before.size() - (before.rfind('\n') + 1) + 1;
  return fmt::format("at line {}, column {}", line, column);
}

inline std::string_view reason(simdjson::error_code error) {
  switch (error) {
    case simdjson::UTF8_ERROR:
      return "it is not UTF-8";
    case simdjson::EMPTY:
      return "it is empty";
    case simdjson::DEPTH_ERROR:
      return "it is nested too deeply";
    case simdjson::CAPACITY:
      return "it is larger than 4 GB: split it or write it as .jsonl";
    default:
      return "it is not valid JSON";
  }
}

inline std::vector<Row> read_list(simdjson::padded_string const& text, std::string const& file) {
  json::parser parser;
  json::document document;
  std::vector<Row> rows;
  std::string_view const view = text;
  try {
    document = parser.iterate(text);
    auto const type = static_cast<json::json_type>(document.type());
    if (type != json::json_type::array)
      throw InputError(
          fmt::format("{}: found {} at the top, expected a list of rows.", file, name_of(type)));
    for (json::value value : document.get_array()) {
      rows.push_back(RowReader().read(value));
      rows.back().number = static_cast<std::int64_t>(rows.size()) - 1;
    }
    if (char const* rest = nullptr; !document.current_location().get(rest))
      throw InputError(
          fmt::format("{}: text follows the list of rows {}.", file, where(view, rest)));
  } catch (simdjson::simdjson_error const& error) {
    std::string place;
    char const* location = nullptr;
    if (error.error() == simdjson::TAPE_ERROR && !document.current_location().get(location))
      place = " " + where(view, location);
    throw InputError(fmt::format("{}: cannot be read as a list of rows: {}{} (after {} good rows).",
                                 file, reason(error.error()), place, rows.size()));
  }
  return rows;
}

inline std::vector<Row> read_lines(simdjson::padded_string const& text) {
  json::parser parser;
  std::vector<Row> rows;
  std::size_t const capacity = text.size() + simdjson::SIMDJSON_PADDING;
  std::string_view const view = text;
  std::int64_t number = 0;
  for (std::size_t begin = 0; begin < view.size();) {
    std::size_t const end = std::min(view.find('\n', begin), view.size());
    std::string_view const line = view.substr(begin, end - begin);
    ++number;
    if (line.find_first_not_of(" \t\r") != line.npos) {
      Row row;
      try {
        json::document document = parser.iterate(line.data(), line.size(), capacity - begin);
        row = RowReader().read(document.get_value());
        if (char const* rest = nullptr; !document.current_location().get(rest))
          row.problem = "has text after its object";
      } catch (simdjson::simdjson_error const& error) {
        row = Row{};
        row.problem = fmt::format("cannot be read: {}", reason(error.error()));
      }
      row.number = number;
      rows.push_back(std::move(row));
    }
    begin = end + 1;
  }
  return rows;
}

}  // namespace detail

/// Reads an annotation file. Rows of the wrong shape come back with a problem; a line of a
/// `.jsonl` that is no JSON is such a row, blank lines are skipped.
/// \throws InputError if the file cannot be read, is no JSON list, or holds no row
inline std::vector<Row> read_annotations(std::filesystem::path const& path) {
  std::string const file = path.string();
  bool const lines = path.extension() == ".jsonl";
  if (!lines && path.extension() != ".json")
    throw InputError(fmt::format("{}: an annotation file ends in .json or .jsonl.", file));
  simdjson::padded_string text;
  if (auto const error = simdjson::padded_string::load(file).get(text))
    throw InputError(fmt::format(
        "{}: the annotation file cannot be read ({}).", file,
        std::filesystem::exists(path) ? simdjson::error_message(error) : "there is no such file"));
  std::size_t const bom = std::string_view(text).substr(0, 3) == "\xEF\xBB\xBF" ? 3 : 0;
  if (bom != 0) text = simdjson::padded_string(std::string_view(text).substr(bom));
  auto rows = lines ? detail::read_lines(text) : detail::read_list(text, file);
  if (rows.empty()) throw InputError(fmt::format("{}: holds no row.", file));
  return rows;
}

}  // namespace vcflash::data
