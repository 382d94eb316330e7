#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include <vcflash/base/error.hpp>
#include <vcflash/media/byte_source.hpp>

namespace vcflash::data {

/// How far parsers may read behind a text.
inline constexpr std::size_t text_padding = 64;

/// Bytes of a file as text, and behind them `text_padding` zeros, as parsers want that read in wide
/// steps.
/// \throws ReadError if they cannot be read
inline std::string padded_text(media::ByteSource const& file, std::int64_t at, std::size_t bytes) {
  std::string text(bytes + text_padding, '\0');
  std::span const wanted(reinterpret_cast<std::uint8_t*>(text.data()), bytes);
  if (file.read_at(at, wanted) != bytes) {
    fail<InputError>(file.name(), ": has no ", bytes, " bytes at byte ", at);
  }
  return text;
}

}  // namespace vcflash::data
