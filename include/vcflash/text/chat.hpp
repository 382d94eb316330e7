#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <vcflash/base/error.hpp>
#include <vcflash/base/vocabulary.hpp>
#include <vcflash/text/tokenizer.hpp>
#include <vcflash/text/turns.hpp>

namespace vcflash::text {

/// A conversation as a model trains on it.
struct Encoded {
  std::vector<std::int64_t> input_ids;  ///< `media_placeholder` where a medium is seen
  std::vector<std::int64_t> labels;     ///< `ignore_label` where no loss is taken
};

/// The template that one of upstream's `conv_templates` is. Three names write the same text.
/// \throws InputError for a name that is none of them
inline ChatTemplate template_named(std::string_view name) {
  if (name == "plain") return ChatTemplate::plain;
  if (name == "qwen_2" || name == "qwen_1_5" || name == "internlm_2") return ChatTemplate::qwen_2;
  throw InputError(fmt::format(
      "there is no chat template {}; expected qwen_2, qwen_1_5, internlm_2 or plain", name));
}

inline constexpr std::string_view qwen_system_message = "You are a helpful assistant.";

namespace detail {

inline std::int64_t required_id(Tokenizer const& tokenizer, std::string_view token) {
  if (auto const id = tokenizer.id_of(token)) return *id;
  throw InputError(fmt::format("the tokenizer has no token {}, which the chat template needs",
                               token == "\n" ? "for a newline" : token));
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
/// turn the newlines and the marks of its begin and end.
inline Encoded encode_qwen_2(Tokenizer const& tokenizer, std::span<Turn const> turns,
                             bool has_media) {
  if (turns.empty()) throw InputError("the conversation has no turns; one is expected");
  if (turns[0].from != Turn::From::human && turns[0].from != Turn::From::gpt) {
    throw InputError(
        fmt::format("the conversation's first turn is from {}; \"human\" or \"gpt\" "
                    "is expected",
                    in_quotes(role_of(turns[0]))));
  }
  if (turns[0].from == Turn::From::gpt) turns = turns.subspan(1);
  auto const begin = required_id(tokenizer, "<|im_start|>");
  auto const end = required_id(tokenizer, "<|im_end|>");
  auto const newline = required_id(tokenizer, "\n");
  // Upstream adds a token for <image>: where an answer holds one, its label is that token's id.
  auto const image_id = tokenizer.id_of(image_tag).value_or(tokenizer.vocabulary());

  Encoded encoded;
  auto const add = [&](std::string_view role, std::string_view text, bool loss) {
    auto const from = encoded.input_ids.size();
    auto const turn = fmt::format("<|im_start|>{}\n{}<|im_end|>\n", role, text);
    if (has_media) {
      encode_with_media(tokenizer, turn, image_id, encoded.input_ids);
    } else {
      tokenizer.encode_to(turn, encoded.input_ids);
    }
    for (auto i = from; i < encoded.input_ids.size(); ++i) {
      auto& id = encoded.input_ids[i];
      bool const mark = id == begin || id == end || id == newline;
      encoded.labels.push_back(loss || mark ? id : ignore_label);
      if (has_media && id == image_id) id = media_placeholder;
    }
  };
  add("system", qwen_system_message, false);
  for (auto const& turn : turns) {
    bool const masked = turn.from == Turn::From::human || turn.from == Turn::From::system;
    add(role_of(turn), turn.value, !masked);
  }
  return encoded;
}

/// A medium and its caption, nothing else: what the first turn says besides is dropped.
inline Encoded encode_plain(Tokenizer const& tokenizer, std::span<Turn const> turns) {
  if (turns.size() != 2) {
    throw InputError(
        fmt::format("the conversation has {} turns; the plain template takes two", turns.size()));
  }
  if (turns[0].value.find(image_tag) == std::string::npos) {
    throw InputError(
        "the first turn has no <image>; the plain template takes a medium and its caption");
  }
  Encoded encoded{.input_ids = {media_placeholder}, .labels = {}};
  encode_with_media(tokenizer, turns[1].value + "\n", media_placeholder, encoded.input_ids);
  encoded.labels = encoded.input_ids;
  encoded.labels[0] = ignore_label;
  return encoded;
}

}  // namespace detail

/// The ids and labels of a conversation in a training template.
/// \param turns after `place_media` if the sample has media
/// \param has_media whether `<image>` stands for a medium; without, it is text like any other
/// \throws InputError where the template does not take the conversation or the tokenizer
inline Encoded encode_conversation(Tokenizer const& tokenizer, ChatTemplate chat,
                                   std::span<Turn const> turns, bool has_media) {
  return chat == ChatTemplate::plain ? detail::encode_plain(tokenizer, turns)
                                     : detail::encode_qwen_2(tokenizer, turns, has_media);
}

namespace detail {

/// Goes through a conversation as upstream's `get_prompt` writes it: `marks(text)` is called with
/// what the template puts around turns, `says(i)` where turn i's text stands.
template <class Marks, class Says>
void write_prompt(ChatTemplate chat, std::span<Turn const> turns, bool open, Marks&& marks,
                  Says&& says) {
  bool const plain = chat == ChatTemplate::plain;
  if (!plain) marks(fmt::format("<|im_start|>system\n{}<|im_end|>\n", qwen_system_message));
  for (std::size_t i = 0; i < turns.size(); ++i) {
    if (!plain) marks(fmt::format("<|im_start|>{}\n", role_of(turns[i])));
    if (turns[i].value.empty()) continue;
    says(i);
    marks(plain ? "\n" : "<|im_end|>\n");
  }
  if (open && !plain) marks("<|im_start|>assistant\n");
}

}  // namespace detail

/// The text of a conversation as upstream's `get_prompt` writes it.
/// \param open end with the begin of an assistant's turn, for the model to go on from
inline std::string prompt_text(ChatTemplate chat, std::span<Turn const> turns, bool open = true) {
  std::string text;
  detail::write_prompt(
      chat, turns, open, [&](std::string_view marks) { text += marks; },
      [&](std::size_t i) { text += turns[i].value; });
  return text;
}

/// The ids of `prompt_text`, `media_placeholder` for each `<image>`.
inline std::vector<std::int64_t> encode_prompt(Tokenizer const& tokenizer, ChatTemplate chat,
                                               std::span<Turn const> turns, bool open = true) {
  std::vector<std::int64_t> ids;
  detail::encode_with_media(tokenizer, prompt_text(chat, turns, open), media_placeholder, ids);
  return ids;
}

/// The ids of `prompt_text` where people and models may have written `<image>` themselves: in turn
/// i the first `media[i]` of them stand for media, any further is text like what is around it.
/// Other marks of a template in what they wrote (`<|im_end|>`) are the marks' ids, as upstream has
/// it.
/// \param media one number a turn, at most as many as its value has `<image>`
inline std::vector<std::int64_t> encode_prompt(Tokenizer const& tokenizer, ChatTemplate chat,
                                               std::span<Turn const> turns,
                                               std::span<std::size_t const> media,
                                               bool open = true) {
  std::vector<std::int64_t> ids;
  std::string text;  // since the last medium
  detail::write_prompt(
      chat, turns, open, [&](std::string_view marks) { text += marks; },
      [&](std::size_t i) {
        std::string_view said = turns[i].value;
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

/// The ids at which a generated answer ends.
inline std::vector<std::int64_t> end_of_answer_ids(Tokenizer const& tokenizer) {
  std::vector<std::int64_t> ids;
  for (std::string_view const token : {"<|im_end|>", "<|endoftext|>"}) {
    if (auto const id = tokenizer.id_of(token)) ids.push_back(*id);
  }
  return ids;
}

}  // namespace vcflash::text
