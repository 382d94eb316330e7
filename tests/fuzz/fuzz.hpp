#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <string>
#include <string_view>

#include <tests/support/folder.hpp>
#include <vcflash/base/error.hpp>

/// What the fuzz targets share. A target is one function that libFuzzer calls with made-up bytes;
/// refusing them by an `Error` is right, anything else that is thrown is a finding.
namespace vcflash::fuzz {

inline std::string_view text_of(std::uint8_t const* data, std::size_t size) {
  return {reinterpret_cast<char const*>(data), size};
}

/// Calls `read`, which may refuse its input.
template <class Read>
void refused_or(Read&& read) {
  try {
    read();
  } catch (Error const& error) {
    if (std::string_view(error.what()).empty()) std::abort();  // a refusal says why
  }
}

/// Ends the program, a finding to libFuzzer, unless what must be so is so.
/// (clang 14 knows no std::source_location.)
inline void require(bool holds, char const* file = __builtin_FILE(), int line = __builtin_LINE()) {
  if (holds) return;
  std::cerr << file << ':' << line << ": what must be so is not\n";
  std::abort();
}

/// Writes bytes for readers that take a file. \return its path, the same for one name
inline std::filesystem::path as_file(std::string const& name, std::string_view bytes) {
  static test::TemporaryFolder const folder;
  return folder.write(name, bytes);
}

}  // namespace vcflash::fuzz
