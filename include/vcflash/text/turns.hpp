#pragma once

#include <fmt/format.h>

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <vcflash/base/error.hpp>
#include <vcflash/text/utf8.hpp>

namespace vcflash::text {

/// What stands in a conversation's text where a medium is seen.
inline constexpr std::string_view image_tag = "<image>";

/// One turn of a conversation.
struct Turn {
  enum class From { human, gpt, system, other } from = From::human;
  std::string value;
  std::string role = {};  ///< who speaks, for `From::other`

  bool operator==(Turn const&) const = default;
};

/// The role's name in a chat template.
inline std::string_view role_of(Turn const& turn) {
  switch (turn.from) {
    case Turn::From::human:
      return "user";
    case Turn::From::gpt:
      return "assistant";
    case Turn::From::system:
      return "system";
    case Turn::From::other:
      return turn.role;
  }
  return turn.role;
}

/// The members of a turn in an annotation that are strings: `from` and `value` (LLaVA), or `role`
/// and `content`, which count first.
struct TurnFields {
  std::optional<std::string_view> from, value, role, content;
};

/// A turn whose strings stand elsewhere.
struct TurnView {
  Turn::From from;
  std::string_view value;
  std::string_view speaker;  ///< as written: "human", "gpt", …
};

/// Upstream's rules for an annotation's `conversations`: the first turn is from "human" or "gpt";
/// later ones may be from anyone. Calls `use` with each turn.
/// \throws InputError saying which turn lacks what
template <class Use>
void for_each_turn(std::span<TurnFields const> conversation, Use&& use) {
  if (conversation.empty()) throw InputError("the conversation has no turns; one is expected");
  auto const first = conversation[0].from;
  if (first != "human" && first != "gpt") {
    throw InputError(
        fmt::format("the conversation's first turn is {}; \"human\" or \"gpt\" is expected",
                    first ? "from " + in_quotes(*first) : "from nobody"));
  }
  for (std::size_t number = 0; number < conversation.size(); ++number) {
    auto const& fields = conversation[number];
    bool const named = fields.role && fields.content;
    auto const& speaker = named ? fields.role : fields.from;
    auto const& said = named ? fields.content : fields.value;
    if (!speaker || !said) {
      throw InputError(fmt::format("turn {} of the conversation has no \"{}\" that is a string",
                                   number, speaker ? "value" : "from"));
    }
    auto const is = [&](std::string_view a, std::string_view b) {
      return *speaker == a || *speaker == b;
    };
    auto const from = is("human", "user")      ? Turn::From::human
                      : is("gpt", "assistant") ? Turn::From::gpt
                      : *speaker == "system"   ? Turn::From::system
                                               : Turn::From::other;
    use(TurnView{from, *said, *speaker});
  }
}

/// The turns of an annotation's `conversations`, by `for_each_turn`'s rules.
inline std::vector<Turn> read_turns(std::span<TurnFields const> conversation) {
  std::vector<Turn> turns;
  turns.reserve(conversation.size());
  for_each_turn(conversation, [&](TurnView const& turn) {
    turns.push_back({turn.from, std::string(turn.value),
                     std::string(turn.from == Turn::From::other ? turn.speaker : "")});
  });
  return turns;
}

inline std::size_t count_of(std::string_view text, std::string_view part) {
  std::size_t count = 0;
  for (auto at = text.find(part); at != text.npos; at = text.find(part, at + part.size())) ++count;
  return count;
}

inline std::string replaced(std::string_view text, std::string_view part, std::string_view by) {
  std::string result;
  std::size_t done = 0;
  for (auto at = text.find(part); at != text.npos; at = text.find(part, done)) {
    result.append(text.substr(done, at - done)) += by;
    done = at + part.size();
  }
  return result += text.substr(done);
}

/// `text` without white space at its ends, in Python's sense (`str.strip`).
inline std::string_view stripped(std::string_view text) {
  auto const blank = [](char32_t c) { return is_white_space(c) || (c >= 0x1C && c <= 0x1F); };
  while (!text.empty()) {
    auto const step = next_code_point(text);
    if (!blank(step.code_point)) break;
    text.remove_prefix(step.bytes);
  }
  while (!text.empty()) {
    auto last = text.size() - 1;
    while (last > 0 && (static_cast<unsigned char>(text[last]) & 0xC0) == 0x80) --last;
    if (!blank(next_code_point(text.substr(last)).code_point)) break;
    text.remove_suffix(text.size() - last);
  }
  return text;
}

/// How the turns of a sample with media are rewritten before they are encoded.
struct MediaText {
  std::string time_message = {};  ///< stands behind every placeholder; see time_message.hpp
  bool start_end = false;         ///< upstream's `mm_use_im_start_end`
};

/// Upstream's `preprocess_multimodal`: a single placeholder moves to the front of its turn, the
/// time message follows each, and a marker of noisy captions goes. Not for samples without media.
inline void place_media(std::span<Turn> turns, MediaText const& media = {}) {
  std::string tag(media.start_end ? "<im_start><image><im_end>" : image_tag);
  if (!stripped(media.time_message).empty()) tag += media.time_message;
  for (auto& turn : turns) {
    auto& value = turn.value;
    if (count_of(value, image_tag) == 1 && !value.starts_with(image_tag)) {
      auto const rest = replaced(value, image_tag, "");
      value = stripped(fmt::format("{}\n{}", image_tag, stripped(rest)));
    }
    value = replaced(replaced(value, image_tag, tag), "QA_GT_caption_based_noisy", "");
  }
}

}  // namespace vcflash::text
