#pragma once

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include <vcflash/base/error.hpp>
#include <vcflash/eval/text_rules.hpp>

/// The options of a question, in the forms that rows have them in.
namespace vcflash::eval {

/// A text and the options in it: lines that begin with "A.", "B.", … A line without a letter goes
/// on with the one before.
struct OptionLines {
  std::string question;              ///< what stands before the first option
  std::vector<std::string> options;  ///< with their letters
};

namespace detail {

/// `A. `, `(A) `, `A) ` or `A: ` at the beginning of an option: the letter, and how long that is.
inline std::optional<std::pair<char, std::size_t>> label_of(std::string_view option) {
  static Regex const label(R"(^\s*(?:\(([A-Z])\)|([A-Z])[.):])\s*)");
  auto const match = label.first(option);
  if (!match) return std::nullopt;
  char const letter = (*match)[1].empty() ? (*match)[2].front() : (*match)[1].front();
  return std::pair{letter, (*match)[0].size()};
}

}  // namespace detail

inline OptionLines option_lines(std::string_view text) {
  OptionLines lines;
  while (!text.empty()) {
    auto const end = std::min(text.find('\n'), text.size());
    std::string const line(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
    auto const label = detail::label_of(line);
    auto const next = static_cast<char>('A' + static_cast<char>(lines.options.size()));
    if (label && label->first == next) {
      lines.options.push_back(line);
    } else if (auto& before = lines.options.empty() ? lines.question : lines.options.back();
               before.empty()) {
      before = line;
    } else {
      before += '\n' + line;
    }
  }
  lines.question = std::string(stripped(lines.question));
  for (auto& option : lines.options) option = std::string(stripped(option));
  return lines;
}

/// The options in a cell, as it has them: a list of texts or numbers; a list of objects
/// `{"label": "A", "text": …}`; an object `{"A": …, "B": …}`; a text that is such a list, or has a
/// line "A. …" an option.
/// \throws InputError saying what was found
inline std::vector<std::string> options_in(nlohmann::ordered_json const& cell) {
  auto const text_of = [](nlohmann::ordered_json const& value) -> std::string {
    if (value.is_string()) return value.get<std::string>();
    if (value.is_number()) return value.dump();
    fail<InputError>("an option is a ", value.type_name(), "; a text was expected");
  };
  std::vector<std::string> options;
  auto const add_labelled = [&](std::string_view label, nlohmann::ordered_json const& value) {
    auto const expected = static_cast<char>('A' + static_cast<char>(options.size()));
    if (label != std::string_view(&expected, 1)) {
      fail<InputError>("an option has the letter \"", label, "\"; \"", expected, "\" was expected");
    }
    options.push_back(text_of(value));
  };
  if (cell.is_string()) {
    auto const text = cell.get<std::string>();
    if (stripped(text).starts_with('[')) {
      auto const list = nlohmann::ordered_json::parse(text, nullptr, false);
      if (list.is_array()) return options_in(list);
    }
    options = option_lines(text).options;
    if (options.empty()) fail<InputError>("there are no lines \"A. …\", \"B. …\" in the text");
  } else if (cell.is_array()) {
    for (auto const& option : cell) {
      if (!option.is_object()) {
        options.push_back(text_of(option));
        continue;
      }
      if (!option.contains("label") || !option["label"].is_string() || !option.contains("text")) {
        fail<InputError>("an option is an object without \"label\" and \"text\"");
      }
      add_labelled(option["label"].get<std::string>(), option["text"]);
    }
  } else if (cell.is_object()) {
    for (auto const& [label, option] : cell.items()) add_labelled(label, option);
  } else {
    fail<InputError>("the options are a ", cell.type_name(), "; a list was expected");
  }
  return options;
}

}  // namespace vcflash::eval
