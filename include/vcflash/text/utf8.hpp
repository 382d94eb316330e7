#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace vcflash::text {

/// What stands in UTF-8 where bytes are no text (U+FFFD).
inline constexpr std::string_view replacement_character = "\xEF\xBF\xBD";

/// One step through UTF-8: a code point, or the longest prefix of one that the bytes hold.
struct Utf8Step {
  char32_t code_point;  ///< U+FFFD when not valid
  std::size_t bytes;    ///< at least 1
  bool valid;
};

/// The first code point of `text`. Overlong forms, surrogates and values over U+10FFFF are
/// invalid; an invalid step covers a maximal subpart as the Unicode standard (3.9, table 3-8)
/// defines it, so that one U+FFFD a step is what Python and Rust print.
/// \param text not empty
inline Utf8Step next_code_point(std::string_view text) {
  auto const byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  unsigned char const first = byte(0);
  if (first < 0x80) return {first, 1, true};
  std::size_t length = 0;
  unsigned char low = 0x80, high = 0xBF;  // the bounds of the second byte
  char32_t value = 0;
  if (first >= 0xC2 && first <= 0xDF) {
    length = 2;
    value = first & 0x1Fu;
  } else if (first >= 0xE0 && first <= 0xEF) {
    length = 3;
    value = first & 0x0Fu;
    if (first == 0xE0) low = 0xA0;
    if (first == 0xED) high = 0x9F;
  } else if (first >= 0xF0 && first <= 0xF4) {
    length = 4;
    value = first & 0x07u;
    if (first == 0xF0) low = 0x90;
    if (first == 0xF4) high = 0x8F;
  } else {
    return {0xFFFD, 1, false};
  }
  for (std::size_t i = 1; i < length; ++i) {
    if (i >= text.size() || byte(i) < low || byte(i) > high) return {0xFFFD, i, false};
    value = value << 6 | (byte(i) & 0x3Fu);
    low = 0x80;
    high = 0xBF;
  }
  return {value, length, true};
}

/// How many bytes at the front of `text` are ASCII, counted in eights where they come so.
inline std::size_t ascii_prefix(std::string_view text) {
  std::size_t count = 0;
  for (std::uint64_t eight; count + 8 <= text.size(); count += 8) {
    std::memcpy(&eight, text.data() + count, 8);
    if ((eight & 0x8080808080808080u) != 0) break;
  }
  while (count < text.size() && static_cast<unsigned char>(text[count]) < 0x80) ++count;
  return count;
}

inline bool is_valid_utf8(std::string_view text) {
  for (;;) {
    text.remove_prefix(ascii_prefix(text));
    if (text.empty()) return true;
    auto const step = next_code_point(text);
    if (!step.valid) return false;
    text.remove_prefix(step.bytes);
  }
}

/// `bytes` with every maximal invalid subpart replaced by U+FFFD.
inline std::string repaired_utf8(std::string_view bytes) {
  std::string text;
  text.reserve(bytes.size());
  while (!bytes.empty()) {
    auto const step = next_code_point(bytes);
    text += step.valid ? bytes.substr(0, step.bytes) : replacement_character;
    bytes.remove_prefix(step.bytes);
  }
  return text;
}

/// How many bytes at the end of `text` are the beginning of a character whose rest may yet come.
inline std::size_t unfinished_bytes(std::string_view text) {
  for (std::size_t bytes = 1; bytes <= std::min<std::size_t>(3, text.size()); ++bytes) {
    auto const end = text.substr(text.size() - bytes);
    auto const first = static_cast<unsigned char>(end[0]);
    auto const step = next_code_point(end);
    if (first >= 0xC2 && first <= 0xF4 && !step.valid && step.bytes == bytes) return bytes;
  }
  return 0;
}

inline void append_utf8(std::string& text, char32_t code_point) {
  auto const put = [&](char32_t byte) { text += static_cast<char>(byte); };
  if (code_point < 0x80) {
    put(code_point);
  } else if (code_point < 0x800) {
    put(0xC0 | code_point >> 6);
    put(0x80 | (code_point & 0x3F));
  } else if (code_point < 0x10000) {
    put(0xE0 | code_point >> 12);
    put(0x80 | (code_point >> 6 & 0x3F));
    put(0x80 | (code_point & 0x3F));
  } else {
    put(0xF0 | code_point >> 18);
    put(0x80 | (code_point >> 12 & 0x3F));
    put(0x80 | (code_point >> 6 & 0x3F));
    put(0x80 | (code_point & 0x3F));
  }
}

/// `text` as an error message quotes it: on one line, control characters as '?', cut at 60 bytes.
inline std::string in_quotes(std::string_view text) {
  std::string result = "\"";
  while (!text.empty()) {
    auto const step = next_code_point(text);
    if (result.size() + step.bytes > 60) return result + "...\"";
    bool const shown = step.valid && step.code_point >= 0x20 && step.code_point != 0x7F;
    result += shown ? text.substr(0, step.bytes) : "?";
    text.remove_prefix(step.bytes);
  }
  return result + "\"";
}

/// `text` with its control characters spelled out (`\\x1b`), but for new lines and tabs, so that it
/// can be shown on a terminal and cannot steer it.
inline std::string with_visible_controls(std::string_view text) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string result;
  while (!text.empty()) {
    auto const step = next_code_point(text);
    auto const c = step.code_point;
    bool const control = c < 0x20 || (c >= 0x7F && c < 0xA0);
    if (control && c != '\n' && c != '\t') {
      result.append("\\x") += digits[c >> 4];
      result += digits[c & 15];
    } else {
      result += step.valid ? text.substr(0, step.bytes) : replacement_character;
    }
    text.remove_prefix(step.bytes);
  }
  return result;
}

/// Unicode's White_Space property.
constexpr bool is_white_space(char32_t c) {
  return (c >= 0x09 && c <= 0x0D) || c == 0x20 || c == 0x85 || c == 0xA0 || c == 0x1680 ||
         (c >= 0x2000 && c <= 0x200A) || c == 0x2028 || c == 0x2029 || c == 0x202F || c == 0x205F ||
         c == 0x3000;
}

}  // namespace vcflash::text
