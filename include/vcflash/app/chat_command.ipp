#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include <vcflash/app/chat_command.hpp>
#include <vcflash/base/error.hpp>
#include <vcflash/text/turns.hpp>
#include <vcflash/text/utf8.hpp>

namespace vcflash::app {

namespace detail {

struct ChatCommand {
  std::string_view name, argument;  ///< an argument in square brackets may be left out
  ChatVerb verb;
  std::string_view help;
};

inline constexpr std::array<ChatCommand, 8> chat_commands{{
    {"/video", "FILE", ChatVerb::video, "talk about another video, or a folder of its frames"},
    {"/image", "FILE", ChatVerb::image, "talk about an image"},
    {"/frames", "N", ChatVerb::frames, "look at N frames of the video, from the beginning"},
    {"/clip", "[START END]", ChatVerb::clip, "look at these seconds of it; without, at all of it"},
    {"/reset", "", ChatVerb::reset, "forget what was said; the video or image stays"},
    {"/save", "FILE", ChatVerb::save, "append the conversation to a .jsonl file to train on"},
    {"/help", "", ChatVerb::help, "list the commands"},
    {"/quit", "", ChatVerb::quit, "end, as an empty line does"},
}};

/// Reads all of a text as a number; none if it is no number, or too large for one.
template <class Number>
std::optional<Number> number_of(std::string_view text) {
  Number number{};
  auto const [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  bool const whole = error == std::errc() && end == text.data() + text.size();
  return whole ? std::optional(number) : std::nullopt;
}

}  // namespace detail

VCFLASH_INLINE ChatLine chat_line(std::string_view line) {
  line = text::stripped(line);
  if (line.empty()) return {ChatVerb::nothing, {}};
  if (!line.starts_with('/')) return {ChatVerb::question, std::string(line)};
  auto const end = std::min(line.find_first_of(" \t"), line.size());
  auto const name = line.substr(0, end), argument = text::stripped(line.substr(end));
  for (auto const& command : detail::chat_commands) {
    if (command.name != name) continue;
    bool const required = !command.argument.empty() && !command.argument.starts_with('[');
    if (required && argument.empty()) {
      throw InputError(fmt::format("{0} takes an argument: {0} {1}.", name, command.argument));
    }
    return {command.verb, std::string(argument)};
  }
  throw InputError(fmt::format("there is no command {}; /help lists those that there are.",
                               text::in_quotes(name)));
}

VCFLASH_INLINE std::string chat_help() {
  std::string help;
  for (auto const& command : detail::chat_commands) {
    help += fmt::format("{:<22}{}\n", fmt::format("{} {}", command.name, command.argument),
                        command.help);
  }
  return help;
}

VCFLASH_INLINE std::filesystem::path typed_path(std::string_view argument) {
  if (argument.size() >= 2 && (argument.front() == '"' || argument.front() == '\'') &&
      argument.back() == argument.front()) {
    argument = argument.substr(1, argument.size() - 2);
  }
  char const* const home = std::getenv("HOME");
  if (home != nullptr && argument.starts_with("~/")) {
    return std::filesystem::path(home) / argument.substr(2);
  }
  return argument;
}

VCFLASH_INLINE std::int64_t typed_frames(std::string const& argument) {
  auto const frames = detail::number_of<std::int64_t>(argument);
  if (!frames || *frames < 1) {
    throw InputError(
        fmt::format("/frames takes a whole number above 0, not {}.", text::in_quotes(argument)));
  }
  return *frames;
}

VCFLASH_INLINE std::optional<std::pair<double, double>> typed_clip(std::string const& argument) {
  if (argument.empty()) return std::nullopt;
  auto const space = std::min(argument.find_first_of(" \t"), argument.size());
  auto const start = detail::number_of<double>(std::string_view(argument).substr(0, space));
  auto const end =
      detail::number_of<double>(text::stripped(std::string_view(argument).substr(space)));
  bool const known = start && end && std::isfinite(*start) && std::isfinite(*end);
  if (!known || *start < 0 || *start >= *end) {
    throw InputError(
        fmt::format("/clip takes the second where it starts and a later one where it ends, not {}.",
                    text::in_quotes(argument)));
  }
  return std::pair(*start, *end);
}

}  // namespace vcflash::app
