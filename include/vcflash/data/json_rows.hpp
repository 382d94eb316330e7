#pragma once

#include <cstddef>
#include <cstring>
#include <optional>
#include <string_view>

/// Finds where the values of a long JSON list begin and end without reading them, so that a file of
/// any size can be read value by value.
namespace vcflash::data {

namespace detail {

constexpr bool is_json_blank(char c) { return c == ' ' || c == '\n' || c == '\r' || c == '\t'; }

/// \param quote where a string begins  \return behind its end, or npos
inline std::size_t end_of_string(std::string_view text, std::size_t quote) {
  for (std::size_t at = quote + 1; at < text.size(); ++at) {
    auto const* const found =
        static_cast<char const*>(std::memchr(text.data() + at, '"', text.size() - at));
    if (found == nullptr) break;
    at = static_cast<std::size_t>(found - text.data());
    std::size_t escapes = 0;
    while (text[at - 1 - escapes] == '\\') ++escapes;
    if (escapes % 2 == 0) return at + 1;
  }
  return text.npos;
}

/// \param begin where a value begins  \return behind its end, or npos if it does not end
inline std::size_t end_of_value(std::string_view text, std::size_t begin) {
  std::size_t depth = 0;
  for (std::size_t at = begin; at < text.size();) {
    switch (text[at]) {
      case '"':
        at = end_of_string(text, at);
        if (depth == 0 || at == text.npos) return at;
        continue;
      case '{':
      case '[':
        ++depth;
        break;
      case '}':
      case ']':
        if (depth == 0) return at;  // behind a number or a word
        if (--depth == 0) return at + 1;
        break;
      case ',':
      case ' ':
      case '\n':
      case '\r':
      case '\t':
        if (depth == 0) return at;
        break;
      default:
        break;
    }
    ++at;
  }
  return text.npos;
}

}  // namespace detail

/// The values of a JSON list, one after the other. The text may be given piece by piece.
class JsonList {
 public:
  /// \param text without a byte order mark  \param whole whether it is all of the text
  explicit JsonList(std::string_view text, bool whole = true) : text_(text), whole_(whole) {
    skip_blanks();
    is_list_ = place_.at < text_.size() && text_[place_.at] == '[';
    if (is_list_) ++place_.at;
  }

  bool is_list() const { return is_list_; }

  /// The next value, unread and not checked; none behind the last, or behind the last that is whole
  /// (`hungry`). Then `error` says whether the list and the text ended as they should.
  std::optional<std::string_view> next() {
    Place const before = place_;
    cut_ = false;
    auto const value = take();
    hungry_ = !whole_ && (cut_ || place_.at >= text_.size());
    if (!hungry_) return value;
    place_ = before;
    error_ = {};
    return {};
  }

  /// Whether more of the text is needed to go on: `feed` takes it.
  bool hungry() const { return hungry_; }

  /// \param text from where reading stands  \param whole whether it is all that is left
  void feed(std::string_view text, bool whole) {
    text_ = text;
    whole_ = whole;
    place_.at = 0;
  }

  /// Where reading stands, in bytes of the present text.
  std::size_t position() const { return place_.at; }

  /// What is wrong with the list's own form; empty if nothing is.
  std::string_view error() const { return error_; }

 private:
  struct Place {
    std::size_t at = 0;
    bool first = true, after_comma = false;
  };

  std::optional<std::string_view> take() {
    skip_blanks();
    auto& [at, first, after_comma] = place_;
    if (at < text_.size() && text_[at] == ']' && (first || !after_comma)) return end();
    if (!first) {
      if (!after_comma) return fail("a comma or the end of the list is expected");
      after_comma = false;
    }
    std::size_t const stop = detail::end_of_value(text_, at);
    cut_ = stop == text_.npos;
    if (cut_ || stop == at) return fail("a row does not end");
    std::string_view const value = text_.substr(at, stop - at);
    at = stop;
    first = false;
    skip_blanks();
    if (at < text_.size() && text_[at] == ',') {
      ++at;
      after_comma = true;
    }
    return value;
  }

  std::optional<std::string_view> fail(std::string_view error) {
    error_ = error;
    return {};
  }

  std::optional<std::string_view> end() {
    ++place_.at;
    skip_blanks();
    if (place_.at < text_.size()) error_ = "text follows the list of rows";
    return {};
  }

  void skip_blanks() {
    while (place_.at < text_.size() && detail::is_json_blank(text_[place_.at])) ++place_.at;
  }

  std::string_view text_;
  bool whole_;
  Place place_;
  bool is_list_ = false, cut_ = false, hungry_ = false;
  std::string_view error_;
};

}  // namespace vcflash::data
