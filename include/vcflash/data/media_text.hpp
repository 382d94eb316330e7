#pragma once

#include <cstddef>
#include <span>
#include <string>

#include <vcflash/text/turns.hpp>

namespace vcflash::data {

/// `text::place_media` for media that each have a time message of their own.
/// \param messages of the media in the order of their placeholders; empty for an image
inline void place_media(std::span<text::Turn> turns, std::span<std::string const> messages) {
  text::place_media(turns);
  std::size_t medium = 0;
  for (text::Turn& turn : turns) {
    auto& value = turn.value;
    for (auto at = value.find(text::image_tag); at != value.npos && medium < messages.size();
         ++medium) {
      at += text::image_tag.size();
      value.insert(at, messages[medium]);
      at = value.find(text::image_tag, at + messages[medium].size());
    }
  }
}

}  // namespace vcflash::data
