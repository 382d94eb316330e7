#pragma once

#include <sstream>
#include <stdexcept>
#include <string>
#include <string_view>

namespace vcflash {

/// What went wrong, in one sentence a user can act on. A program ends with `exit_code` 1.
struct Error : std::runtime_error {
  using std::runtime_error::runtime_error;
  static constexpr int exit_code = 1;
};

/// The user's own input is wrong: a flag, a file, a configuration. A program ends with 2.
struct InputError : Error {
  using Error::Error;
  static constexpr int exit_code = 2;
};

/// The first line of what an exception says: LibTorch's errors carry a backtrace below it.
inline std::string first_line(std::string_view message) {
  return std::string(message.substr(0, message.find('\n')));
}

/// Throws `E` with the parts written one after the other, as a stream would write them.
template <class E = Error, class... Parts>
[[noreturn]] void fail(Parts const&... parts) {
  std::ostringstream sentence;
  (sentence << ... << parts);
  throw E(sentence.str());
}

}  // namespace vcflash
