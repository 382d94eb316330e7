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

/// How a number is rounded to one decimal; the two differ where a tie is near (0.35).
enum class Rounding {
  exact,   ///< the binary value decides, ties to even: Python's `round`
  scaled,  ///< ten times the value to the nearest whole number, ties to even: NumPy's
};

/// `value` rounded to one decimal, printed as Python prints it.
inline std::string one_decimal(double value, Rounding rounding = Rounding::exact) {
  return shortest(rounding == Rounding::exact
                      ? std::strtod(fmt::format("{:.1f}", value).c_str(), nullptr)
                      : std::nearbyint(value * 10) / 10);
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
/// \param rounding upstream rounds as NumPy does but for clips with a start and an end
inline std::string time_message(double duration, std::span<double const> seconds,
                                Rounding rounding = Rounding::scaled) {
  std::string times;
  for (double const second : seconds) {
    if (!times.empty()) times += ", ";
    times += one_decimal(second, rounding);
  }
  return fmt::format(
      "\nThe video lasts for {:.2f} seconds, and {} frames are uniformly sampled at {} seconds. ",
      duration, seconds.size(), times);
}

}  // namespace vcflash::text
