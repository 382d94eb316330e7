#pragma once

#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <utility>

#include <vcflash/meta/separate.hpp>
#include <vcflash/text/turns.hpp>

namespace vcflash::app {

/// What a conversation is about: a video or a part of it, an image, or nothing.
struct ChatSubject {
  std::filesystem::path video{}, image{};
  std::optional<std::pair<double, double>> clip{};  ///< the seconds that are looked at
};

/// A conversation as a row of training data, with a new line behind. Its medium has an absolute
/// path.
/// \param turns `<image>` in the first of them stands for the medium
/// \throws InputError if there are no turns, or training would not read them as they were said
std::string chat_row(ChatSubject const& subject, std::span<text::Turn const> turns);

/// Adds a row to a file of rows.
/// \throws InputError if the file cannot be written
void append_row(std::filesystem::path const& path, std::string const& row);

}  // namespace vcflash::app

#ifndef VCFLASH_SEPARATE
#include <vcflash/app/chat_row.ipp>
#endif
