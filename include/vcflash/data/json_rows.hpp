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

/// The values of a JSON list, one after the other.
class JsonList {
 public:
  /// \param text without a byte order mark
  explicit JsonList(std::string_view text) : text_(text) {
    skip_blanks();
    is_list_ = at_ < text_.size() && text_[at_] == '[';
    if (is_list_) ++at_;
  }

  bool is_list() const { return is_list_; }

  /// The next value, unread and not checked; none behind the last. Then `error` says whether the
  /// list and the text ended as they should.
  std::optional<std::string_view> next() {
    skip_blanks();
    if (at_ < text_.size() && text_[at_] == ']' && (first_ || !after_comma_)) return end();
    if (!first_) {
      if (!after_comma_) return fail("a comma or the end of the list is expected");
      after_comma_ = false;
    }
    std::size_t const stop = detail::end_of_value(text_, at_);
    if (stop == text_.npos || stop == at_) return fail("a row does not end");
    std::string_view const value = text_.substr(at_, stop - at_);
    at_ = stop;
    first_ = false;
    skip_blanks();
    if (at_ < text_.size() && text_[at_] == ',') {
      ++at_;
      after_comma_ = true;
    }
    return value;
  }

  /// Where reading stands, in bytes.
  std::size_t position() const { return at_; }

  /// What is wrong with the list's own form; empty if nothing is.
  std::string_view error() const { return error_; }

 private:
  std::optional<std::string_view> fail(std::string_view error) {
    error_ = error;
    return {};
  }

  std::optional<std::string_view> end() {
    ++at_;
    skip_blanks();
    if (at_ < text_.size()) error_ = "text follows the list of rows";
    return {};
  }

  void skip_blanks() {
    while (at_ < text_.size() && detail::is_json_blank(text_[at_])) ++at_;
  }

  std::string_view text_;
  std::size_t at_ = 0;
  bool is_list_ = false, first_ = true, after_comma_ = false;
  std::string_view error_;
};

}  // namespace vcflash::data
