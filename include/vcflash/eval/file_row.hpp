#pragma once

#include <algorithm>
#include <charconv>
#include <cmath>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <vcflash/base/error.hpp>
#include <vcflash/base/nearest.hpp>
#include <vcflash/eval/benchmark_spec.hpp>
#include <vcflash/eval/table_file.hpp>
#include <vcflash/eval/text_rules.hpp>

namespace vcflash::eval::detail {

/// The cells of one row. What it throws says what is wrong with the row, and not yet where it is.
class FileRow {
 public:
  using Json = nlohmann::ordered_json;

  /// \param file the name of its file, without the ending: the column `file` if there is no other
  FileRow(Json const& cells, std::string_view file) : cells_(cells), file_(file) {}

  /// \throws InputError if the row has none of the columns
  Json const& cell(std::vector<std::string> const& names) const {
    for (auto const& name : names) {
      if (auto const* found = find_cell(cells_, name)) return *found;
      if (name == "file") return file_;
    }
    std::vector<std::string> there;
    for (auto const& [name, value] : cells_.items()) {
      if (!value.is_null()) there.push_back(name);
    }
    fail<InputError>(
        "there is no column ", fmt::format("{}", fmt::join(names, " or ")),
        there.empty() ? "" : fmt::format("; the nearest is {}", nearest(names.front(), there)));
  }

  std::string text(Column const& column) const {
    if (!column.parts) return text_of(column.names.front(), cell(column.names));
    return column.parts->filled([&](std::string const& name) { return text({{name}, {}}); });
  }

  /// \return nothing where a row has no such column, or an empty cell
  std::optional<std::string> text_if_there(Column const& column) const {
    bool const there = column.parts || std::ranges::any_of(column.names, [&](auto const& name) {
                         return find_cell(cells_, name) != nullptr || name == "file";
                       });
    if (!there) return std::nullopt;
    auto value = text(column);
    return value.empty() ? std::nullopt : std::optional(std::move(value));
  }

  double number(Column const& column) const { return number_in(text(column)); }

  /// \throws InputError if that is no number
  static double number_in(std::string_view text) {
    auto const digits = stripped(text);
    double value = 0;
    auto const* const end = digits.data() + digits.size();
    auto const [last, error] = std::from_chars(digits.data(), end, value);
    if (error != std::errc() || last != end || !std::isfinite(value)) {
      fail<InputError>("\"", text, "\" is no number");
    }
    return value;
  }

  static std::string text_of(std::string_view name, Json const& value) {
    if (value.is_string()) return value.get<std::string>();
    if (value.is_number() || value.is_boolean()) return value.dump();
    if (!value.is_array()) fail<InputError>(name, " is an object; a text was expected");
    std::string lines;
    for (auto const& element : value) {
      if (element.is_structured()) {
        fail<InputError>(name, " is a list of lists or objects; a text was expected");
      }
      if (!lines.empty()) lines += '\n';
      lines += text_of(name, element);
    }
    return lines;
  }

 private:
  Json const& cells_;
  Json file_;
};

}  // namespace vcflash::eval::detail
