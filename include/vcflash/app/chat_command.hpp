#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include <vcflash/meta/separate.hpp>

/// What a person types in a chat.
namespace vcflash::app {

/// What a line asks for. A line that begins with a slash is a command.
enum class ChatVerb { nothing, question, video, image, frames, clip, reset, save, help, quit };

struct ChatLine {
  ChatVerb verb;
  std::string argument;  ///< of a command; or the question
};

/// White space at a line's ends does not count.
/// \throws InputError naming a command that there is not, or that lacks its argument
ChatLine chat_line(std::string_view line);

/// The commands, one a line.
std::string chat_help();

/// The path that is meant: the whole argument, or what stands between its quotes; `~/` is the
/// person's own folder.
std::filesystem::path typed_path(std::string_view argument);

/// \throws InputError unless it is a whole number above 0
std::int64_t typed_frames(std::string const& argument);

/// Two seconds, the first before the second; none where nothing is typed.
/// \throws InputError for anything else
std::optional<std::pair<double, double>> typed_clip(std::string const& argument);

}  // namespace vcflash::app

#ifndef VCFLASH_SEPARATE
#include <vcflash/app/chat_command.ipp>
#endif
