#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include <vcflash/base/error.hpp>

namespace vcflash::eval {

/// A text with names in braces, "{question}\n{options}", in whose places something is put. A brace
/// that is to stay is written twice.
class TextTemplate {
 public:
  TextTemplate() = default;

  /// \throws InputError if a brace is not closed, or closed without being opened
  explicit TextTemplate(std::string_view text) {
    std::string literal;
    for (std::size_t i = 0; i < text.size(); ++i) {
      char const c = text[i];
      if ((c == '{' || c == '}') && i + 1 < text.size() && text[i + 1] == c) {
        literal += c;
        ++i;
      } else if (c == '{') {
        auto const end = text.find_first_of("{}", i + 1);
        if (end == std::string_view::npos || text[end] == '{' || end == i + 1) {
          fail<InputError>("\"", text, "\" has a brace without a name and an end; {{ is a brace");
        }
        pieces_.push_back({std::move(literal), std::string(text.substr(i + 1, end - i - 1))});
        literal.clear();
        i = end;
      } else if (c == '}') {
        fail<InputError>("\"", text, "\" closes a brace that is not open; }} is a brace");
      } else {
        literal += c;
      }
    }
    end_ = std::move(literal);
  }

  /// The names in braces, in order.
  std::vector<std::string> names() const {
    std::vector<std::string> names;
    for (auto const& piece : pieces_) names.push_back(piece.name);
    return names;
  }

  /// \param value_of gives the text for a name
  template <class ValueOf>
  std::string filled(ValueOf&& value_of) const {
    std::string text;
    for (auto const& [before, name] : pieces_) {
      text += before;
      text += value_of(name);
    }
    return text + end_;
  }

 private:
  struct Piece {
    std::string before, name;
  };
  std::vector<Piece> pieces_;
  std::string end_;
};

}  // namespace vcflash::eval
