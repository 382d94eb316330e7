#pragma once

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#include <utf8proc.h>

#include <cstddef>
#include <cstdlib>
#include <memory>
#include <new>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <vcflash/base/error.hpp>
#include <vcflash/text/utf8.hpp>

/// Text as Python's `str` and `re` see it: upstream's rules for grading answers are written in it.
namespace vcflash::eval {

/// Python's `str.isspace`: Unicode's white space and the four ASCII separators.
constexpr bool is_space(char32_t c) { return text::is_white_space(c) || (c >= 0x1C && c <= 0x1F); }

/// Python's `text.strip()`.
inline std::string_view stripped(std::string_view text) {
  auto const leading = [](std::string_view rest) {
    std::size_t bytes = 0;
    while (bytes < rest.size()) {
      auto const step = text::next_code_point(rest.substr(bytes));
      if (!is_space(step.code_point)) break;
      bytes += step.bytes;
    }
    return bytes;
  };
  text.remove_prefix(leading(text));
  while (!text.empty()) {
    std::size_t last = text.size() - 1;
    while (last > 0 && (static_cast<unsigned char>(text[last]) & 0xC0) == 0x80) --last;
    if (!is_space(text::next_code_point(text.substr(last)).code_point)) break;
    text = text.substr(0, last);
  }
  return text;
}

/// Python's `text.strip(character)` for one ASCII character.
inline std::string_view stripped(std::string_view text, char character) {
  while (text.starts_with(character)) text.remove_prefix(1);
  while (text.ends_with(character)) text.remove_suffix(1);
  return text;
}

/// Python's `text.lower()`, but that a sigma at the end of a word is like any other.
inline std::string lowered(std::string_view text) {
  std::string lower;
  lower.reserve(text.size());
  while (!text.empty()) {
    auto const step = text::next_code_point(text);
    if (!step.valid) {
      lower += text.substr(0, step.bytes);
    } else if (step.code_point == 0x130) {  // the only capital whose small form is two characters
      lower += "i\xCC\x87";
    } else {
      text::append_utf8(
          lower,
          static_cast<char32_t>(utf8proc_tolower(static_cast<utf8proc_int32_t>(step.code_point))));
    }
    text.remove_prefix(step.bytes);
  }
  return lower;
}

/// How many pieces Python's `text.split()` gives.
inline std::size_t word_count(std::string_view text) {
  std::size_t words = 0;
  bool inside = false;
  while (!text.empty()) {
    auto const step = text::next_code_point(text);
    bool const space = is_space(step.code_point);
    if (!space && !inside) ++words;
    inside = !space;
    text.remove_prefix(step.bytes);
  }
  return words;
}

/// Python's `text.replace(from, to)`.  \param from not empty
inline std::string replaced(std::string_view text, std::string_view from, std::string_view to) {
  std::string result;
  while (true) {
    auto const at = text.find(from);
    result += text.substr(0, at);
    if (at == std::string_view::npos) return result;
    result += to;
    text.remove_prefix(at + from.size());
  }
}

/// The pieces joined as Python's `separator.join(pieces)` does.
inline std::string joined(std::vector<std::string> const& pieces, std::string_view separator) {
  std::string all;
  for (std::size_t i = 0; i < pieces.size(); ++i) {
    if (i > 0) all += separator;
    all += pieces[i];
  }
  return all;
}

/// A regular expression over Unicode, as Python's `re` takes `str` patterns: digits, word
/// characters and white space of every script. The dot stops at a newline only.
class Regex {
 public:
  /// What a pattern's groups caught; the whole match first. A group that took no part is empty.
  using Match = std::vector<std::string_view>;

  explicit Regex(std::string_view pattern, bool any_case = false)
      : code_(compiled(pattern, any_case), &pcre2_code_free_8) {}

  /// Python's `re.search`.
  std::optional<Match> first(std::string_view text) const { return next(text, 0); }

  /// Python's `re.finditer`, for patterns that match no empty text.
  std::vector<Match> all(std::string_view text) const {
    std::vector<Match> matches;
    for (std::size_t from = 0; auto match = next(text, from);) {
      from = static_cast<std::size_t>(match->front().data() - text.data()) + match->front().size();
      matches.push_back(std::move(*match));
    }
    return matches;
  }

 private:
  static pcre2_code_8* compiled(std::string_view pattern, bool any_case) {
    int error = 0;
    std::size_t offset = 0;
    auto const options = PCRE2_UTF | PCRE2_UCP | PCRE2_MATCH_INVALID_UTF | PCRE2_NEVER_BACKSLASH_C |
                         (any_case ? PCRE2_CASELESS : 0u);
    auto* const code = pcre2_compile_8(reinterpret_cast<PCRE2_SPTR8>(pattern.data()),
                                       pattern.size(), options, &error, &offset, nullptr);
    if (code == nullptr) fail<Error>("no regular expression: ", pattern);
    return code;
  }

  std::optional<Match> next(std::string_view text, std::size_t from) const {
    // of each call, so that several threads can use one expression
    std::unique_ptr<pcre2_match_data_8, decltype(&pcre2_match_data_free_8)> const data(
        pcre2_match_data_create_from_pattern_8(code_.get(), nullptr), &pcre2_match_data_free_8);
    if (!data) throw std::bad_alloc();
    int const groups = pcre2_match_8(code_.get(), reinterpret_cast<PCRE2_SPTR8>(text.data()),
                                     text.size(), from, 0, data.get(), nullptr);
    if (groups == PCRE2_ERROR_NOMATCH) return std::nullopt;
    if (groups < 0) fail<Error>("a regular expression gave up (PCRE2 error ", groups, ")");
    auto const* const ends = pcre2_get_ovector_pointer_8(data.get());
    Match match;
    for (std::size_t i = 0; i < static_cast<std::size_t>(groups); ++i) {
      bool const took_part = ends[2 * i] != PCRE2_UNSET;
      match.push_back(took_part ? text.substr(ends[2 * i], ends[2 * i + 1] - ends[2 * i])
                                : std::string_view());
    }
    return match;
  }

  std::unique_ptr<pcre2_code_8, decltype(&pcre2_code_free_8)> code_;
};

/// Full-width and other special forms of characters as the plain ones (Unicode's NFKC).
inline std::string folded(std::string_view text) {
  if (text::ascii_prefix(text) == text.size()) return std::string(text);
  auto const valid = text::repaired_utf8(text);
  utf8proc_uint8_t* plain = nullptr;
  auto const length = utf8proc_map(
      reinterpret_cast<utf8proc_uint8_t const*>(valid.data()),
      static_cast<utf8proc_ssize_t>(valid.size()), &plain,
      static_cast<utf8proc_option_t>(UTF8PROC_STABLE | UTF8PROC_COMPOSE | UTF8PROC_COMPAT));
  std::unique_ptr<utf8proc_uint8_t, decltype(&std::free)> const owner(plain, &std::free);
  if (length < 0) fail<Error>("a text cannot be normalized: ", utf8proc_errmsg(length));
  return {reinterpret_cast<char const*>(plain), static_cast<std::size_t>(length)};
}

/// What an answer says: without what the model thought aloud, between `<think>` and `</think>`,
/// and its characters folded. A thought that does not end leaves no answer.
inline std::string spoken(std::string_view answer) {
  static Regex const ends(R"(</think(?:ing)?>)", true), begins(R"(<think(?:ing)?>)", true);
  if (auto const thoughts = ends.all(answer); !thoughts.empty()) {
    auto const& last = thoughts.back()[0];
    answer.remove_prefix(static_cast<std::size_t>(last.data() - answer.data()) + last.size());
  }
  if (auto const thought = begins.first(answer)) {
    answer = answer.substr(0, static_cast<std::size_t>((*thought)[0].data() - answer.data()));
  }
  return std::string(stripped(folded(answer)));
}

/// The words of a text in small letters, with one blank between them.
inline std::string lower_words(std::string_view text) {
  static Regex const white(R"([\s\x1C-\x1F]+)");
  std::string const lower = lowered(stripped(text));
  std::string words;
  std::size_t from = 0;
  for (auto const& match : white.all(lower)) {
    auto const at = static_cast<std::size_t>(match[0].data() - lower.data());
    words.append(lower, from, at - from).append(" ");
    from = at + match[0].size();
  }
  return words.append(lower, from);
}

}  // namespace vcflash::eval
