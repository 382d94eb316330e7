#pragma once

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <filesystem>
#include <fstream>
#include <span>
#include <string>
#include <utility>

#include <vcflash/app/chat_row.hpp>
#include <vcflash/base/error.hpp>
#include <vcflash/text/turns.hpp>

namespace vcflash::app {

VCFLASH_INLINE std::string chat_row(ChatSubject const& subject, std::span<text::Turn const> turns) {
  if (turns.empty()) throw InputError("nothing was said yet that could be saved.");
  nlohmann::ordered_json row;
  auto const absolute = [](std::filesystem::path const& path) {
    return std::filesystem::absolute(path).lexically_normal().string();
  };
  if (!subject.video.empty()) {
    row["video"] = absolute(subject.video);
    if (std::filesystem::is_directory(subject.video)) row["video_read_type"] = "img";
  }
  if (!subject.image.empty()) row["image"] = absolute(subject.image);
  if (subject.clip) {
    row["start"] = subject.clip->first;
    row["end"] = subject.clip->second;
  }
  bool const has_media = row.contains("video") || row.contains("image");
  std::size_t tags = 0;
  auto conversation = nlohmann::ordered_json::array();
  for (auto const& turn : turns) {
    bool const human = turn.from == text::Turn::From::human;
    tags += text::count_of(turn.value, text::image_tag);
    conversation.push_back({{"from", human ? "human" : "gpt"}, {"value", turn.value}});
  }
  if (has_media && tags != 1) {
    throw InputError(fmt::format(
        "{} was said in this conversation, and training would look for a medium there; it cannot "
        "be saved.",
        text::image_tag));
  }
  row["conversations"] = std::move(conversation);
  return row.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + '\n';
}

VCFLASH_INLINE void append_row(std::filesystem::path const& path, std::string const& row) {
  if (path.extension() != ".jsonl") {
    throw InputError(fmt::format("{}: training reads one row a line from files that end in .jsonl.",
                                 path.string()));
  }
  std::ifstream before(path, std::ios::binary | std::ios::ate);
  bool const open_line =
      before && before.tellg() > 0 && before.seekg(-1, std::ios::end) && before.get() != '\n';
  std::ofstream file(path, std::ios::binary | std::ios::app);
  if (open_line) file << '\n';
  if (!(file << row).flush()) {
    throw InputError(fmt::format("{}: the conversation cannot be written there.", path.string()));
  }
}

}  // namespace vcflash::app
