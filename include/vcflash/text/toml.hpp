#pragma once

// toml++ 3.3 asserts, and with clang assumes, what a file may break ("[{x]"), and looks at it right
// after: without its assertions it says what is wrong.
#pragma push_macro("NDEBUG")
#undef NDEBUG
#define TOML_ASSERT(expression) static_assert(true)
#include <toml++/toml.h>
#undef TOML_ASSERT
#pragma pop_macro("NDEBUG")

#include <string_view>

#include <fmt/format.h>

#include <vcflash/base/error.hpp>

/// TOML, wherever it is read.
namespace vcflash::text {

/// \param path of the file that holds `toml`, for messages
/// \throws InputError naming the file, and the line that is no TOML
inline toml::table parsed_toml(std::string_view toml, std::string_view path) {
  try {
    return toml::parse(toml, path);
  } catch (toml::parse_error const& error) {
    throw InputError(
        fmt::format("{}: line {}: {}.", path, error.source().begin.line, error.description()));
  }
}

}  // namespace vcflash::text
