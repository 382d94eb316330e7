#pragma once

#include <fmt/format.h>

#include <charconv>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <string>
#include <string_view>

namespace vcflash::text {

/// A number as Python prints it: the fewest digits that give it back, with ".0" behind a whole
/// one and an exponent from 1e16 and below 1e-4.
inline std::string shortest(double value) {
  if (!std::isfinite(value)) return fmt::format("{}", value);
  char digits[64];
  auto const size = std::abs(value);
  bool const fixed = size == 0 || (size >= 1e-4 && size < 1e16);
  auto const [end, error] =
      std::to_chars(digits, digits + sizeof digits, value,
                    fixed ? std::chars_format::fixed : std::chars_format::scientific);
  std::string text(digits, end);
  if (fixed && text.find('.') == text.npos) text += ".0";
  return text;
}

/// `value` rounded to one decimal as Python's `round(value, 1)` does (the binary value decides,
/// ties to even), then printed as Python prints it.
inline std::string one_decimal(double value) {
  return shortest(std::strtod(fmt::format("{:.1f}", value).c_str(), nullptr));
}

/// The sentence about a video's length that stands behind its placeholder; upstream's `time_msg`
/// "short".
/// \param duration seconds of the video, or of the part that is seen  \param frames how many are
/// seen
inline std::string time_message(double duration, std::int64_t frames) {
  return fmt::format(
      "\nThe video lasts for {:.2f} seconds, and {} frames are uniformly sampled from it. ",
      duration, frames);
}

/// The same with the times of the frames; what upstream prints for every other `time_msg`.
/// \param seconds when each frame is shown
inline std::string time_message(double duration, std::span<double const> seconds) {
  std::string times;
  for (double const second : seconds) {
    if (!times.empty()) times += ", ";
    times += one_decimal(second);
  }
  return fmt::format(
      "\nThe video lasts for {:.2f} seconds, and {} frames are uniformly sampled at {} seconds. ",
      duration, seconds.size(), times);
}

}  // namespace vcflash::text
