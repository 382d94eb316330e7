#pragma once

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <vcflash/base/chat_template.hpp>
#include <vcflash/base/error.hpp>
#include <vcflash/base/vocabulary.hpp>
#include <vcflash/text/tokenizer.hpp>
#include <vcflash/text/turns.hpp>
#include <vcflash/text/utf8.hpp>

namespace vcflash::text {

/// A conversation as a model trains on it.
struct Encoded {
  std::vector<std::int64_t> input_ids;  ///< `media_placeholder` where a medium is seen
  std::vector<std::int64_t> labels;     ///< `ignore_label` where no loss is taken
};

/// Every name of a chat template that people may type.
inline std::vector<std::string> chat_template_names() {
  std::vector<std::string> names;
  for (auto const& chat : all_chat_templates) {
    names.emplace_back(chat.name);
    for_each_word(chat.aliases, [&](std::string_view name) { names.emplace_back(name); });
  }
  return names;
}

/// The chat template of a name, its own or an alias.
/// \throws InputError for a name that is none, listing those that are
inline ChatTemplate const& template_named(std::string_view name) {
  for (auto const& chat : all_chat_templates) {
    bool found = chat.name == name;
    for_each_word(chat.aliases, [&](std::string_view alias) { found = found || alias == name; });
    if (found) return chat;
  }
  throw InputError(fmt::format("there is no chat template {}; expected one of {}", in_quotes(name),
                               fmt::join(chat_template_names(), ", ")));
}

namespace detail {

/// The ids of the tokens that carry loss in every turn.
inline std::vector<std::int64_t> ids_of_marks(Tokenizer const& tokenizer,
                                              ChatTemplate const& chat) {
  std::vector<std::int64_t> ids;
  for_each_word(chat.marks, [&](std::string_view mark) {
    auto const id = tokenizer.id_of(mark);
    if (!id) {
      throw InputError(
          fmt::format("the tokenizer has no token {}, which the chat template {} needs",
                      mark == "\n" ? "for a newline" : mark, chat.name));
    }
    ids.push_back(*id);
  });
  return ids;
}

/// What stands before a turn's text.
inline std::string header(ChatTemplate const& chat, std::string_view role) {
  if (chat.captions) return {};
  return fmt::format("{}{}{}", chat.before_role, role, chat.behind_role);
}

/// What a turn says, as the template takes it.
inline std::string_view said_by(ChatTemplate const& chat, Turn const& turn) {
  return chat.strips_turns ? stripped(turn.value) : std::string_view(turn.value);
}

/// Appends the ids of `text`, `placeholder` for each `<image>`.
inline void encode_with_media(Tokenizer const& tokenizer, std::string_view text,
                              std::int64_t placeholder, std::vector<std::int64_t>& ids) {
  for (auto at = text.find(image_tag); at != text.npos; at = text.find(image_tag)) {
    tokenizer.encode_to(text.substr(0, at), ids);
    ids.push_back(placeholder);
    text.remove_prefix(at + image_tag.size());
  }
  tokenizer.encode_to(text, ids);
}

/// Only what an assistant (or a role the template does not know) says carries loss, and in every
/// turn the template's marks.
inline Encoded encode_turns(Tokenizer const& tokenizer, ChatTemplate const& chat,
                            std::span<Turn const> turns, bool has_media) {
  if (turns.empty()) throw InputError("the conversation has no turns; one is expected");
  if (turns[0].from != Turn::From::human && turns[0].from != Turn::From::gpt) {
    throw InputError(
        fmt::format("the conversation's first turn is from {}; \"human\" or \"gpt\" "
                    "is expected",
                    in_quotes(role_of(turns[0]))));
  }
  if (turns[0].from == Turn::From::gpt) turns = turns.subspan(1);
  auto const marks = ids_of_marks(tokenizer, chat);
  // Upstream adds a token for <image>: where an answer holds one, its label is that token's id.
  auto const image_id = tokenizer.id_of(image_tag).value_or(tokenizer.vocabulary());

  Encoded encoded;
  auto const add = [&](std::string_view text, bool loss) {
    auto const from = encoded.input_ids.size();
    if (has_media) {
      encode_with_media(tokenizer, text, image_id, encoded.input_ids);
    } else {
      tokenizer.encode_to(text, encoded.input_ids);
    }
    for (auto i = from; i < encoded.input_ids.size(); ++i) {
      auto& id = encoded.input_ids[i];
      bool const learned = loss || std::find(marks.begin(), marks.end(), id) != marks.end();
      encoded.labels.push_back(learned ? id : ignore_label);
      if (has_media && id == image_id) id = media_placeholder;
    }
  };
  auto const add_turn = [&](std::string_view role, std::string_view said, bool loss) {
    add(fmt::format("{}{}{}{}", header(chat, role), said, chat.end_of_turn, chat.behind_turn),
        loss);
  };
  add(chat.opening, false);
  if (!chat.system.empty()) add_turn("system", chat.system, false);
  for (auto const& turn : turns) {
    bool const masked = turn.from == Turn::From::human || turn.from == Turn::From::system;
    add_turn(role_of(turn), said_by(chat, turn), !masked);
  }
  return encoded;
}

/// A medium and its caption, nothing else: what the first turn says besides is dropped.
inline Encoded encode_caption(Tokenizer const& tokenizer, ChatTemplate const& chat,
                              std::span<Turn const> turns) {
  if (turns.size() != 2) {
    throw InputError(fmt::format("the conversation has {} turns; the {} template takes two",
                                 turns.size(), chat.name));
  }
  if (turns[0].value.find(image_tag) == std::string::npos) {
    throw InputError(
        fmt::format("the first turn has no <image>; the {} template takes a medium and its caption",
                    chat.name));
  }
  auto const before = tokenizer.ids_before();
  Encoded encoded{.input_ids = {before.begin(), before.end()}, .labels = {}};
  encoded.input_ids.push_back(media_placeholder);
  encoded.labels.assign(encoded.input_ids.size(), ignore_label);
  auto const caption = encoded.input_ids.size();
  encode_with_media(tokenizer, fmt::format("{}{}", turns[1].value, chat.behind_turn),
                    media_placeholder, encoded.input_ids);
  encoded.labels.insert(encoded.labels.end(),
                        encoded.input_ids.begin() + static_cast<std::ptrdiff_t>(caption),
                        encoded.input_ids.end());
  return encoded;
}

}  // namespace detail

/// The ids and labels of a conversation in a training template.
/// \param turns after `place_media` if the sample has media
/// \param has_media whether `<image>` stands for a medium; without, it is text like any other
/// \throws InputError where the template does not take the conversation or the tokenizer
inline Encoded encode_conversation(Tokenizer const& tokenizer, ChatTemplate const& chat,
                                   std::span<Turn const> turns, bool has_media) {
  return chat.captions ? detail::encode_caption(tokenizer, chat, turns)
                       : detail::encode_turns(tokenizer, chat, turns, has_media);
}

namespace detail {

/// Goes through a conversation as upstream's `get_prompt` writes it: `around(text)` is called with
/// what the template puts around turns, `says(i, text)` with what turn i says. A turn that says
/// nothing has no end.
template <class Around, class Says>
void write_prompt(ChatTemplate const& chat, std::span<Turn const> turns, bool open, Around&& around,
                  Says&& says) {
  auto const end = fmt::format("{}{}", chat.end_of_turn, chat.behind_turn);
  around(chat.opening);
  if (!chat.system.empty()) around(header(chat, "system").append(chat.system) += end);
  for (std::size_t i = 0; i < turns.size(); ++i) {
    around(header(chat, role_of(turns[i])));
    if (turns[i].value.empty()) continue;
    says(i, said_by(chat, turns[i]));
    around(end);
  }
  if (open && !chat.captions) around(header(chat, "assistant").append(chat.answer_lead));
}

/// The ids that a prompt begins with where the template leaves that to the tokenizer.
inline std::vector<std::int64_t> first_ids(Tokenizer const& tokenizer, ChatTemplate const& chat) {
  if (!chat.captions) return {};
  auto const before = tokenizer.ids_before();
  return {before.begin(), before.end()};
}

}  // namespace detail

/// The text of a conversation as upstream's `get_prompt` writes it.
/// \param open end with the begin of an assistant's turn, for the model to go on from
inline std::string prompt_text(ChatTemplate const& chat, std::span<Turn const> turns,
                               bool open = true) {
  std::string text;
  auto const add = [&](std::string_view part) { text += part; };
  detail::write_prompt(chat, turns, open, add,
                       [&](std::size_t, std::string_view said) { add(said); });
  return text;
}

/// The ids of `prompt_text`, `media_placeholder` for each `<image>`.
inline std::vector<std::int64_t> encode_prompt(Tokenizer const& tokenizer, ChatTemplate const& chat,
                                               std::span<Turn const> turns, bool open = true) {
  auto ids = detail::first_ids(tokenizer, chat);
  detail::encode_with_media(tokenizer, prompt_text(chat, turns, open), media_placeholder, ids);
  return ids;
}

/// The ids of `prompt_text` where people and models may have written `<image>` themselves: in turn
/// i the first `media[i]` of them stand for media, any further is text like what is around it.
/// Other marks of a template in what they wrote (`<|im_end|>`) are the marks' ids, as upstream has
/// it.
/// \param media one number a turn, at most as many as its value has `<image>`
inline std::vector<std::int64_t> encode_prompt(Tokenizer const& tokenizer, ChatTemplate const& chat,
                                               std::span<Turn const> turns,
                                               std::span<std::size_t const> media,
                                               bool open = true) {
  auto ids = detail::first_ids(tokenizer, chat);
  std::string text;  // since the last medium
  detail::write_prompt(
      chat, turns, open, [&](std::string_view part) { text += part; },
      [&](std::size_t i, std::string_view said) {
        for (std::size_t medium = 0; medium < media[i]; ++medium) {
          auto const at = said.find(image_tag);
          tokenizer.encode_to(text.append(said.substr(0, at)), ids);
          text.clear();
          ids.push_back(media_placeholder);
          said.remove_prefix(at + image_tag.size());
        }
        text += said;
      });
  tokenizer.encode_to(text, ids);
  return ids;
}

/// The ids at which a generated answer ends: of those tokens of the template that there are.
inline std::vector<std::int64_t> end_of_answer_ids(
    Tokenizer const& tokenizer, ChatTemplate const& chat = ChatTemplate::qwen_2) {
  std::vector<std::int64_t> ids;
  for (auto const token : {chat.end_of_turn, chat.end_of_text}) {
    if (auto const id = tokenizer.id_of(token)) ids.push_back(*id);
  }
  return ids;
}

}  // namespace vcflash::text
