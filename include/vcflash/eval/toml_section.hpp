#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>
#include <optional>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include <vcflash/base/error.hpp>
#include <vcflash/base/nearest.hpp>
#include <vcflash/text/toml.hpp>

namespace vcflash::eval {

/// A table of a TOML file whose keys are taken one by one. What is asked for is what there may be:
/// `finish` refuses the rest.
class TomlSection {
 public:
  /// \param where the file and the table, for messages: "mine.toml: [rows]"
  TomlSection(toml::table const* table, std::string where)
      : table_(table), where_(std::move(where)) {}

  std::optional<std::string> text(std::string_view key) {
    auto const* node = take(key);
    if (!node) return std::nullopt;
    if (!node->is_string()) refuse(key, *node, "a text");
    return node->as_string()->get();
  }

  /// A text, or a list of texts.
  std::vector<std::string> texts(std::string_view key) {
    auto const* node = take(key);
    if (!node) return {};
    return texts_of(key, *node);
  }

  bool truth(std::string_view key) {
    auto const* node = take(key);
    if (!node) return false;
    if (!node->is_boolean()) refuse(key, *node, "true or false");
    return node->as_boolean()->get();
  }

  std::optional<std::int64_t> whole(std::string_view key, std::int64_t least, std::int64_t most) {
    auto const* node = take(key);
    if (!node) return std::nullopt;
    auto const* number = node->as_integer();
    if (!number || number->get() < least || number->get() > most) {
      refuse(key, *node, fmt::format("a whole number from {} to {}", least, most));
    }
    return number->get();
  }

  /// A number that is not negative.
  std::optional<double> number(std::string_view key) {
    auto const* node = take(key);
    if (!node) return std::nullopt;
    auto const number = node->value<double>();
    if (!node->is_number() || !(*number >= 0 && *number <= std::numeric_limits<double>::max())) {
      refuse(key, *node, "a number of at least 0");
    }
    return number;
  }

  /// A table in this table.
  TomlSection section(std::string_view key) {
    auto const* node = take(key);
    if (node && !node->is_table()) refuse(key, *node, fmt::format("a table, [{}]", key));
    return {node ? node->as_table() : nullptr, fmt::format("{}: [{}]", where_, key)};
  }

  /// All keys of this table, which may have any names, with their texts.
  template <class Add>
  void each_texts(Add&& add) {
    if (!table_) return;
    for (auto const& [key, node] : *table_) {
      asked_.emplace_back(key.str());
      add(std::string(key.str()), texts_of(key.str(), node));
    }
  }

  /// \throws InputError for a key that was not asked for, with the nearest that was
  void finish() const {
    if (!table_) return;
    for (auto const& [key, node] : *table_) {
      std::string_view const name = key.str();
      if (std::ranges::find(asked_, name) != asked_.end()) continue;
      throw InputError(fmt::format("{}: there is no key {}; the nearest is {}.", where_, name,
                                   nearest(name, asked_)));
    }
  }

  /// \throws InputError: "mine.toml: [rows]: file = 3; a text was expected."
  [[noreturn]] void fail_at(std::string_view key, std::string_view found,
                            std::string_view expected) const {
    throw InputError(fmt::format("{}: {} = {}; {} was expected.", where_, key, found, expected));
  }
  [[noreturn]] void fail_missing(std::string_view key, std::string_view expected) const {
    throw InputError(fmt::format("{}: {} is missing; {} was expected.", where_, key, expected));
  }

 private:
  toml::node const* take(std::string_view key) {
    asked_.emplace_back(key);
    return table_ ? table_->get(key) : nullptr;
  }

  [[noreturn]] void refuse(std::string_view key, toml::node const& found,
                           std::string_view expected) const {
    std::ostringstream shown;
    found.visit([&](auto const& node) { shown << node; });
    fail_at(key, shown.str(), expected);
  }

  std::vector<std::string> texts_of(std::string_view key, toml::node const& node) const {
    std::vector<std::string> texts;
    if (node.is_string()) {
      texts.push_back(node.as_string()->get());
    } else if (auto const* list = node.as_array(); list && !list->empty()) {
      for (auto const& element : *list) {
        if (!element.is_string()) refuse(key, element, "a list of texts");
        texts.push_back(element.as_string()->get());
      }
    } else {
      refuse(key, node, "a text, or a list of texts");
    }
    return texts;
  }

  toml::table const* table_;
  std::string where_;
  std::vector<std::string> asked_;
};

}  // namespace vcflash::eval
