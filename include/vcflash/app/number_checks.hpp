#pragma once

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include <cstdint>
#include <string>
#include <utility>

/// What numbers a flag takes. CLI11's own checks name a range whose end has 309 digits.
namespace vcflash::app {

namespace detail {

/// \param fits whether a number may be  \param expected what it is to be, in words
template <class Fits>
CLI::Validator number_check(Fits fits, std::string expected) {
  return CLI::Validator(
      [fits, expected = std::move(expected)](std::string& text) {
        double number = 0;
        bool const ok = CLI::detail::lexical_cast(text, number) && fits(number);
        return ok ? std::string() : fmt::format("{} is not {}", text, expected);
      },
      "");
}

}  // namespace detail

inline CLI::Validator at_least(std::int64_t least) {
  return detail::number_check(
      [least](double number) { return number >= static_cast<double>(least); },
      fmt::format("{} or more", least));
}

inline CLI::Validator above_zero() {
  return detail::number_check([](double number) { return number > 0; }, "a number above 0");
}

}  // namespace vcflash::app
