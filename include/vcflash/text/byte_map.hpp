#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <vcflash/text/utf8.hpp>

namespace vcflash::text {

/// The printable code point that stands for each byte in the files of a byte-level BPE tokenizer
/// (GPT-2's table): printable Latin-1 stands for itself, the other 68 bytes take U+0100 onwards.
inline constexpr std::array<char32_t, 256> byte_to_code_point = [] {
  std::array<char32_t, 256> table{};
  char32_t next = 0x100;
  for (int byte = 0; byte < 256; ++byte) {
    bool const printable = (byte >= 0x21 && byte <= 0x7E) || (byte >= 0xA1 && byte <= 0xAC) ||
                           (byte >= 0xAE && byte <= 0xFF);
    table[byte] = printable ? static_cast<char32_t>(byte) : next++;
  }
  return table;
}();

inline constexpr char32_t highest_byte_code_point = 0x143;

/// The inverse of `byte_to_code_point`; -1 where no byte belongs to a code point.
inline constexpr std::array<std::int16_t, highest_byte_code_point + 1> code_point_to_byte = [] {
  std::array<std::int16_t, highest_byte_code_point + 1> table{};
  table.fill(-1);
  for (int byte = 0; byte < 256; ++byte) {
    table[byte_to_code_point[byte]] = static_cast<std::int16_t>(byte);
  }
  return table;
}();

/// The bytes in the order in which byte-level vocabularies number them: printable ones first.
inline constexpr std::array<unsigned char, 256> bytes_in_vocabulary_order = [] {
  std::array<unsigned char, 256> order{};
  int next = 0;
  for (bool const printable : {true, false}) {
    for (int byte = 0; byte < 256; ++byte) {
      if ((byte_to_code_point[byte] < 0x100) == printable) {
        order[next++] = static_cast<unsigned char>(byte);
      }
    }
  }
  return order;
}();

/// `bytes` as a tokenizer file spells them (a space is "Ġ", a newline "Ċ").
inline std::string spelled(std::string_view bytes) {
  std::string text;
  for (char const byte : bytes) {
    append_utf8(text, byte_to_code_point[static_cast<unsigned char>(byte)]);
  }
  return text;
}

/// The bytes that `text` spells, or nothing where one of its characters stands for no byte.
inline std::optional<std::string> bytes_of(std::string_view text) {
  std::string bytes;
  bytes.reserve(text.size());
  while (!text.empty()) {
    auto const step = next_code_point(text);
    if (!step.valid || step.code_point > highest_byte_code_point) return std::nullopt;
    auto const byte = code_point_to_byte[step.code_point];
    if (byte < 0) return std::nullopt;
    bytes += static_cast<char>(byte);
    text.remove_prefix(step.bytes);
  }
  return bytes;
}

}  // namespace vcflash::text
