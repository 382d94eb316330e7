#pragma once

#include <algorithm>
#include <fstream>
#include <iterator>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include <vcflash/base/error.hpp>
#include <vcflash/eval/table_file.hpp>
#include <vcflash/text/utf8.hpp>

namespace vcflash::eval {

namespace detail {

inline std::string table_bytes(std::filesystem::path const& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file || std::filesystem::is_directory(path)) {
    throw InputError(
        fmt::format("{}: cannot be read; a file of rows was expected.", path.string()));
  }
  std::string bytes{std::istreambuf_iterator<char>(file), {}};
  if (bytes.starts_with("\xEF\xBB\xBF")) bytes.erase(0, 3);
  return bytes;
}

inline std::size_t line_at(std::string_view text, std::size_t byte) {
  return 1 + static_cast<std::size_t>(
                 std::ranges::count(text.substr(0, std::min(byte, text.size())), '\n'));
}

inline nlohmann::ordered_json parsed_json(std::string_view text, std::string const& path,
                                          std::size_t first_line) {
  try {
    return nlohmann::ordered_json::parse(text);
  } catch (nlohmann::json::parse_error const& error) {
    throw InputError(
        fmt::format("{}: line {} is not JSON.", path, first_line - 1 + line_at(text, error.byte)));
  } catch (nlohmann::json::exception const&) {
    throw InputError(
        fmt::format("{}: holds a number that is too large, from line {} on.", path, first_line));
  }
}

inline std::string kind_of(nlohmann::ordered_json const& value) {
  if (value.is_object()) return "an object";
  if (value.is_array()) return "a list";
  return fmt::format("a {}", value.type_name());
}

inline std::vector<TableRow> json_rows(std::string_view text, std::string const& path,
                                       std::string_view list) {
  auto const top = parsed_json(text, path, 1);
  auto const* rows = list.empty() ? &top : find_cell(top, list);
  if (rows == nullptr || !rows->is_array()) {
    throw InputError(fmt::format(
        "{}: {} holds {}; a list of rows was expected{}.", path,
        list.empty() ? "the file" : fmt::format("\"{}\"", list),
        rows == nullptr ? "nothing" : kind_of(*rows),
        list.empty() ? " (rows.list says under which key it stands, if not at the top)" : ""));
  }
  std::vector<TableRow> table;
  for (auto const& row : *rows) {
    table.push_back({row, fmt::format("row {}", table.size() + 1)});
  }
  return table;
}

inline std::vector<TableRow> json_lines(std::string_view text, std::string const& path) {
  std::vector<TableRow> table;
  for (std::size_t line = 1; !text.empty(); ++line) {
    auto const end = std::min(text.find('\n'), text.size());
    auto const row = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (row.find_first_not_of(" \t\r") == row.npos) continue;
    table.push_back({parsed_json(row, path, line), fmt::format("line {}", line)});
  }
  return table;
}

/// The cells of the record at the front of `text`, which is cut off: RFC 4180, where cells in
/// quotes may hold separators, line breaks and doubled quotes. \return nothing if a quoted cell
/// does not end
inline std::optional<std::vector<std::string>> next_record(std::string_view& text, char separator) {
  std::vector<std::string> cells(1);
  std::size_t i = 0;
  while (i < text.size() && text[i] != '\n') {
    char const c = text[i];
    if (c == '"' && cells.back().empty()) {
      for (++i;; ++i) {
        if (i == text.size()) return std::nullopt;
        if (text[i] != '"') {
          cells.back() += text[i];
        } else if (i + 1 < text.size() && text[i + 1] == '"') {
          cells.back() += text[i++];
        } else {
          break;
        }
      }
    } else if (c == separator) {
      cells.emplace_back();
    } else if (c != '\r' || (i + 1 < text.size() && text[i + 1] != '\n')) {
      cells.back() += c;
    }
    ++i;
  }
  text.remove_prefix(std::min(i + 1, text.size()));
  return cells;
}

inline std::vector<TableRow> separated_rows(std::string_view text, std::string const& path,
                                            char separator) {
  std::vector<TableRow> table;
  std::vector<std::string> columns;
  std::size_t line = 1;
  while (!text.empty()) {
    auto const before = text;
    auto const cells = next_record(text, separator);
    auto const refuse = [&](std::string_view what) {
      throw InputError(fmt::format("{}: line {} {}.", path, line, what));
    };
    if (!cells) refuse("begins a cell in quotes that does not end");
    auto const record = before.substr(0, before.size() - text.size());
    for (auto rest = record; !rest.empty();) {
      auto const step = text::next_code_point(rest);
      if (!step.valid) refuse("is not UTF-8");
      rest.remove_prefix(step.bytes);
    }
    if (columns.empty()) {
      columns = *cells;
    } else if (cells->size() != 1 || !cells->front().empty()) {
      if (cells->size() != columns.size()) {
        refuse(fmt::format("has {} cells; the first line names {} columns", cells->size(),
                           columns.size()));
      }
      auto row = nlohmann::ordered_json::object();
      for (std::size_t i = 0; i < columns.size(); ++i) row[columns[i]] = (*cells)[i];
      table.push_back({std::move(row), fmt::format("line {}", line)});
    }
    line += static_cast<std::size_t>(std::ranges::count(record, '\n'));
  }
  return table;
}

}  // namespace detail

VCFLASH_INLINE nlohmann::ordered_json const* find_cell(nlohmann::ordered_json const& row,
                                                       std::string_view name) {
  if (!row.is_object()) return nullptr;
  if (auto const found = row.find(name); found != row.end()) {
    return found->is_null() ? nullptr : &*found;
  }
  auto const dot = name.find('.');
  if (dot == name.npos) return nullptr;
  auto const outer = row.find(name.substr(0, dot));
  return outer == row.end() ? nullptr : find_cell(*outer, name.substr(dot + 1));
}

VCFLASH_INLINE std::vector<TableRow> read_table(std::filesystem::path const& path,
                                                std::string_view list) {
  auto const text = detail::table_bytes(path);
  auto const ending = path.extension();
  std::vector<TableRow> table;
  if (ending == ".jsonl") {
    table = detail::json_lines(text, path.string());
  } else if (ending == ".csv" || ending == ".tsv") {
    table = detail::separated_rows(text, path.string(), ending == ".csv" ? ',' : '\t');
  } else if (ending == ".json") {
    table = detail::json_rows(text, path.string(), list);
  } else {
    throw InputError(
        fmt::format("{}: a file of rows ends in .json, .jsonl, .csv or .tsv.", path.string()));
  }
  for (auto const& row : table) {
    if (row.cells.is_object()) continue;
    throw InputError(fmt::format("{}: {} is {}; an object was expected.", path.string(), row.where,
                                 detail::kind_of(row.cells)));
  }
  return table;
}

}  // namespace vcflash::eval
