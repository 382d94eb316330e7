#pragma once

#include <utf8proc.h>

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <vcflash/base/error.hpp>
#include <vcflash/eval/text_rules.hpp>
#include <vcflash/text/utf8.hpp>

/// When something happens in a video, as models write it and upstream's recall script reads it.
namespace vcflash::eval {

/// Seconds from and to.
struct TimeSpan {
  double start = 0, end = 0;
};

/// Overlap over extent.  \return 1 for two equal moments, where upstream divides by zero
inline double intersection_over_union(TimeSpan a, TimeSpan b) {
  double const extent = std::max(a.end, b.end) - std::min(a.start, b.start);
  if (extent == 0) return 1;
  return std::max(std::min(a.end, b.end) - std::max(a.start, b.start), 0.0) / extent;
}

namespace detail {

/// Digits of any script as ASCII ones. A script's ten digits follow each other from its zero.
inline std::string ascii_digits(std::string_view text) {
  auto const is_digit = [](char32_t c) {
    return utf8proc_category(static_cast<utf8proc_int32_t>(c)) == UTF8PROC_CATEGORY_ND;
  };
  std::string digits;
  while (!text.empty()) {
    auto const step = text::next_code_point(text);
    if (step.code_point < 0x80 || !is_digit(step.code_point)) {
      digits += text.substr(0, step.bytes);
    } else {
      char32_t zero = step.code_point;
      while (is_digit(zero - 1)) --zero;
      digits += static_cast<char>('0' + (step.code_point - zero) % 10);
    }
    text.remove_prefix(step.bytes);
  }
  return digits;
}

/// Python's `float` of digits and periods.  \throws InputError where that raises: "1..2"
inline double seconds_in(std::string_view number) {
  std::string const digits = ascii_digits(number);
  if (std::ranges::count(digits, '.') > 1) fail<InputError>("\"", number, "\" is no number");
  double seconds = 0;
  std::from_chars(digits.data(), digits.data() + digits.size(), seconds);
  return seconds;
}

/// What every sentence that speaks of a start or an end says first by `pattern`, in twos.
template <class Read>
std::optional<TimeSpan> first_of_sentences(std::vector<std::string> const& sentences,
                                           Regex const& pattern, Read&& read) {
  std::vector<double> times;
  for (auto const& sentence : sentences) {
    if (auto const match = pattern.first(sentence)) times.push_back(read((*match)[1]));
  }
  if (times.size() < 2) return std::nullopt;
  return TimeSpan{times[0], times[1]};
}

}  // namespace detail

/// The span that an answer names, by upstream's script: the first `number - number`, where every
/// "to" is a dash, even inside a word; else the first numbers of the first two sentences that
/// speak of a start, an end or a happening; else the same for `H:MM:SS`. A span that ends before it
/// starts is turned round.
/// \throws InputError where upstream's script ends with an error: a number like "1..2"
inline std::optional<TimeSpan> upstream_span(std::string_view answer) {
  std::string const text = replaced(
      replaced(lowered(answer), "a specific example is : 20.8 - 30.0 seconds", ""), "to", "-");
  static Regex const range(R"((\d+\.*\d*)\s*-\s*(\d+\.*\d*))");
  static Regex const number(R"(\b(\d+\.\d+\b|\b\d+)\b)");
  static Regex const clock(R"(\b(\d{1,2}:\d{2}:\d{2})\b)");

  std::optional<TimeSpan> span;
  for (auto const& match : range.all(text)) {
    TimeSpan const read{detail::seconds_in(match[1]), detail::seconds_in(match[2])};
    if (!span) span = read;
  }
  if (!span) {
    std::vector<std::string> sentences(1);
    for (char const c : text) {
      if (c == '!' || c == '?' || c == '\n') {
        sentences.emplace_back();
      } else {
        sentences.back() += c;
      }
    }
    std::erase_if(sentences, [](std::string const& sentence) {
      return std::ranges::none_of(
          std::vector<std::string_view>{"start", "end", "happen"},
          [&](auto word) { return sentence.find(word) != std::string::npos; });
    });
    span = detail::first_of_sentences(sentences, number, detail::seconds_in);
    if (!span) {
      span = detail::first_of_sentences(sentences, clock, [](std::string_view time) {
        std::string const digits = detail::ascii_digits(time);
        double seconds = 0, part = 0;
        for (char const c : digits + ':') {
          if (c != ':') {
            part = part * 10 + (c - '0');
            continue;
          }
          seconds = seconds * 60 + std::exchange(part, 0.0);
        }
        return seconds;
      });
    }
  }
  if (span && span->end <= span->start) std::swap(span->start, span->end);
  return span;
}

/// The span that an answer names, as one would read it. Times are `24.3`, `1:05`, `0:01:05` or
/// `00:01:05,250`, full-width digits being digits. The first of these that is there: `from 3 to 5`
/// or `between 3 and 5`; `3 - 5` or `3 to 5`; the first two times that are no ordinals; the first
/// two of all.
/// What a model thinks aloud is no part of its answer.
inline std::optional<TimeSpan> strict_span(std::string_view answer) {
  std::string const text = spoken(answer);
  static std::string const any_time =
      R"((?<![\d.:])(?:(?:(\d+):)?(\d{1,2}):)?(\d+(?:\.\d+|(?<=:\d\d),\d{1,3})?)(?![\d:]))";
  static std::string const time = any_time + R"((?!(?:st|nd|rd|th)\b))";
  static std::string const unit = R"(\s*(?:s|secs?|seconds?)?\s*)";
  static std::string const dash = R"((?:-+>?|[‐-―~→−]|(?:to|until|till|through)(?!\p{L})))";
  static Regex const ranges[] = {
      Regex(R"(\b(?:from|between)\s+)" + time + unit + "(?:" + dash + R"(|and\b)\s*)" + time, true),
      Regex(time + unit + dash + R"(\s*)" + time, true)};
  static Regex const moments[] = {Regex(time, true), Regex(any_time, true)};
  std::vector<double> times;
  auto const add = [&](Regex::Match const& match, std::size_t first) {
    auto const part = [&](std::size_t group) {
      return match[group].empty() ? 0.0 : detail::seconds_in(replaced(match[group], ",", "."));
    };
    times.push_back(part(first) * 3600 + part(first + 1) * 60 + part(first + 2));
  };
  for (auto const& range : ranges) {
    auto const match = range.first(text);
    if (!match || !times.empty()) continue;
    add(*match, 1);
    add(*match, 4);
  }
  for (auto const& moment : moments) {
    if (times.size() >= 2) break;
    times.clear();
    for (auto const& match : moment.all(text)) add(match, 1);
  }
  if (times.size() < 2) return std::nullopt;
  return TimeSpan{std::min(times[0], times[1]), std::max(times[0], times[1])};
}

}  // namespace vcflash::eval
