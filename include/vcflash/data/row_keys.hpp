#pragma once

#include <algorithm>
#include <array>
#include <cctype>
#include <initializer_list>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include <vcflash/base/nearest.hpp>

/// The keys of a row, and what people write for them.
namespace vcflash::data::detail {

inline constexpr std::array<std::string_view, 10> row_keys{
    "conversations", "messages", "image", "images", "video",
    "videos",        "start",    "end",   "id",     "video_read_type"};

constexpr bool is_capital(char c) { return c >= 'A' && c <= 'Z'; }

inline std::string lower_case(std::string_view text) {
  std::string lower(text);
  std::ranges::transform(lower, lower.begin(), [](unsigned char c) { return std::tolower(c); });
  return lower;
}

inline bool has_one_of(std::string_view text, std::initializer_list<std::string_view> parts) {
  return std::ranges::any_of(parts,
                             [&](std::string_view part) { return text.find(part) != text.npos; });
}

/// \return the first of a row's other keys that may hold its turns
inline std::optional<std::string_view> like_turns(std::span<std::string_view const> keys) {
  for (std::string_view const key : keys) {
    auto const lower = lower_case(key);
    if (has_one_of(lower, {"conversation", "message", "dialog", "chat", "query", "instruction",
                           "question", "prompt"}) ||
        edit_distance(lower, "conversations") <= 2 || edit_distance(lower, "messages") <= 2)
      return key;
  }
  return {};
}

/// \return the first of a row's other keys that may hold its media, and the key to write for it
inline std::optional<std::pair<std::string_view, std::string_view>> like_media(
    std::span<std::string_view const> keys) {
  for (std::string_view const key : keys) {
    auto const lower = lower_case(key);
    constexpr std::size_t near = 2;
    if (has_one_of(lower, {"video", "film", "clip", "media", "movie"}) ||
        edit_distance(lower, "video") <= near || edit_distance(lower, "videos") <= near)
      return std::pair(key, std::string_view("video"));
    if (has_one_of(lower, {"image", "img", "picture", "photo"}) ||
        edit_distance(lower, "image") <= near || edit_distance(lower, "images") <= near)
      return std::pair(key, std::string_view("image"));
  }
  return {};
}

}  // namespace vcflash::data::detail
