#pragma once

#include <fmt/format.h>
#include <simdjson.h>

#include <charconv>
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <vcflash/base/error.hpp>
#include <vcflash/text/added_tokens.hpp>
#include <vcflash/text/json_file.hpp>
#include <vcflash/text/pretokenizer.hpp>
#include <vcflash/text/utf8.hpp>

namespace vcflash::text {

/// What the files of a byte-level BPE tokenizer say, tokens spelled as there ("Ġthe").
struct TokenizerDescription {
  std::vector<std::pair<std::string, std::int64_t>> vocabulary;
  std::vector<std::pair<std::string, std::string>> merges;
  std::vector<AddedToken> added;
  bool nfc = true;
  bool ignore_merges = false;
  std::string unknown_token;  ///< stands for what the vocabulary lacks; empty: nothing does
  std::vector<std::string> split_patterns{std::string(qwen_split_pattern)};
  std::vector<std::int64_t> ids_before, ids_behind;    ///< what is put around a whole text
  std::filesystem::path vocabulary_file, merges_file;  ///< for messages
};

namespace detail {

/// No tokenizer comes near this many; each is a level of recursion.
inline constexpr std::size_t most_split_patterns = 16;

inline AddedToken added_token(Json const& entry, std::int64_t id) {
  auto const content = entry.at("content").text();
  if (content.empty()) entry.at("content").wrong("empty", "the text of an added token");
  return {.content = std::string(content),
          .id = id,
          .special = entry.flag("special", false),
          .normalized = entry.flag("normalized", true),
          .lstrip = entry.flag("lstrip", false),
          .rstrip = entry.flag("rstrip", false),
          .single_word = entry.flag("single_word", false)};
}

inline void read_vocabulary(Json const& vocabulary, TokenizerDescription& description) {
  for (auto const [key, value] : vocabulary.object()) {
    std::int64_t id = -1;
    if (value.get(id) != simdjson::SUCCESS || id < 0 || id >= most_token_ids) {
      id = vocabulary.member(value, key).token_id();  // says what is wrong
    }
    description.vocabulary.emplace_back(key, id);
  }
}

inline bool is_merge(std::string_view text) {
  auto const space = text.find(' ');
  return space != text.npos && space > 0 && space + 1 < text.size() &&
         text.find(' ', space + 1) == text.npos;
}

inline void read_merges(Json const& merges, TokenizerDescription& description) {
  std::size_t index = 0;
  for (auto const element : merges.array()) {
    std::string_view text;
    if (element.get(text) == simdjson::SUCCESS && is_merge(text)) {
      auto const space = text.find(' ');
      description.merges.emplace_back(text.substr(0, space), text.substr(space + 1));
    } else {
      auto const merge = merges.item(element, index);
      if (!merge.is_array())
        merge.wrong(in_quotes(merge.text()), "two tokens with a space between");
      std::vector<std::string> parts;  // as written since tokenizers 0.20
      for (auto const part : merge.array()) {
        parts.emplace_back(merge.item(part, parts.size()).text());
      }
      if (parts.size() != 2) merge.wrong(fmt::format("{} strings", parts.size()), "two tokens");
      description.merges.emplace_back(std::move(parts[0]), std::move(parts[1]));
    }
    ++index;
  }
}

inline void read_normalizer(Json const& normalizer, TokenizerDescription& description) {
  auto const type = normalizer.at("type");
  if (type.text() == "Sequence") {
    auto const list = normalizer.at("normalizers");
    std::size_t index = 0;
    for (auto const element : list.array())
      read_normalizer(list.item(element, index++), description);
  } else {
    type.only(type.text() == "NFC", "NFC");
    description.nfc = true;
  }
}

/// A pre-tokenizer or a step of one, up to ByteLevel, the last.
inline void read_pretokenizer(Json const& step, bool& byte_level,
                              TokenizerDescription& description) {
  auto const type = step.at("type");
  if (type.text() == "Sequence") {
    auto const list = step.at("pretokenizers");
    std::size_t index = 0;
    for (auto const element : list.array()) {
      read_pretokenizer(list.item(element, index++), byte_level, description);
    }
    return;
  }
  type.only(!byte_level, "nothing behind ByteLevel");
  type.only(description.split_patterns.size() < most_split_patterns,
            fmt::format("at most {} steps", most_split_patterns));
  if (type.text() == "Split") {
    auto const behavior = step.at("behavior");
    behavior.only(behavior.text() == "Isolated", "\"Isolated\"");
    if (auto const invert = step.find("invert")) invert->only(!invert->flag(), "false");
    description.split_patterns.emplace_back(step.at("pattern").at("Regex").text());
  } else if (type.text() == "Digits") {
    description.split_patterns.emplace_back(
        step.flag("individual_digits", false) ? each_digit_pattern : digits_pattern);
  } else {
    type.only(type.text() == "ByteLevel", "Split, Digits, ByteLevel or a Sequence of them");
    byte_level = true;
    if (auto const prefix = step.find("add_prefix_space")) prefix->only(!prefix->flag(), "false");
    if (step.flag("use_regex", true)) description.split_patterns.emplace_back(gpt2_split_pattern);
  }
}

/// What is put around the ids of a whole text. A ByteLevel step only moves offsets.
inline void read_post_processor(Json const& step, bool& template_seen,
                                TokenizerDescription& description) {
  auto const type = step.at("type");
  if (type.text() == "ByteLevel") return;
  std::size_t index = 0;
  if (type.text() == "Sequence") {
    auto const list = step.at("processors");
    for (auto const element : list.array()) {
      read_post_processor(list.item(element, index++), template_seen, description);
    }
    return;
  }
  type.only(type.text() == "TemplateProcessing",
            "ByteLevel, TemplateProcessing or a Sequence of them");
  type.only(!template_seen, "one of its kind");
  template_seen = true;
  auto const single = step.at("single");
  bool text_seen = false;
  for (auto const element : single.array()) {
    auto const part = single.item(element, index++);
    if (auto const token = part.find("SpecialToken")) {
      auto const ids = step.at("special_tokens").at(token->at("id").text()).at("ids");
      std::size_t place = 0;
      for (auto const id : ids.array()) {
        auto& around = text_seen ? description.ids_behind : description.ids_before;
        around.push_back(ids.item(id, place++).token_id());
      }
    } else {
      auto const sequence = part.at("Sequence").at("id");
      sequence.only(sequence.text() == "A" && !text_seen, "the text, A, once");
      text_seen = true;
    }
  }
  if (!text_seen) single.wrong("without the text, A,", "tokens around it");
}

inline void read_bpe(Json const& model, TokenizerDescription& description) {
  if (auto const type = model.find("type")) type->only(type->text() == "BPE", "BPE");
  if (auto const dropout = model.find("dropout")) dropout->wrong("set", "null");
  for (auto const key : {"continuing_subword_prefix", "end_of_word_suffix"}) {
    if (auto const affix = model.find(key)) affix->only(affix->text().empty(), "empty");
  }
  if (auto const fallback = model.find("byte_fallback")) fallback->only(!fallback->flag(), "false");
  description.ignore_merges = model.flag("ignore_merges", false);
  if (auto const unknown = model.find("unk_token")) description.unknown_token = unknown->text();
  read_vocabulary(model.at("vocab"), description);
  read_merges(model.at("merges"), description);
}

/// `tokenizer.json`, as the `tokenizers` library writes it.
inline void read_tokenizer_json(std::filesystem::path const& file, std::string const& bytes,
                                TokenizerDescription& description) {
  simdjson::dom::parser parser;
  auto const root = parsed(file, bytes, parser);
  root.object();
  description.vocabulary_file = description.merges_file = file;
  description.nfc = false;
  description.split_patterns.clear();
  if (auto const normalizer = root.find("normalizer")) read_normalizer(*normalizer, description);
  auto const pretokenizer = root.at("pre_tokenizer");
  bool byte_level = false;
  read_pretokenizer(pretokenizer, byte_level, description);
  if (!byte_level) pretokenizer.wrong("without ByteLevel", "a byte-level tokenizer");
  if (auto const processor = root.find("post_processor")) {
    bool template_seen = false;
    read_post_processor(*processor, template_seen, description);
  }
  if (auto const decoder = root.find("decoder")) {
    auto const type = decoder->at("type");
    type.only(type.text() == "ByteLevel", "ByteLevel");
  }
  read_bpe(root.at("model"), description);
  if (auto const added = root.find("added_tokens")) {
    std::size_t index = 0;
    for (auto const element : added->array()) {
      auto const entry = added->item(element, index++);
      description.added.push_back(added_token(entry, entry.at("id").token_id()));
    }
  }
}

/// `merges.txt`: a pair a line, after an optional line that begins with "#version".
inline void read_merges_txt(std::filesystem::path const& file, std::string_view bytes,
                            TokenizerDescription& description) {
  if (!is_valid_utf8(bytes)) {
    throw InputError(fmt::format("{}: no UTF-8; lines of two tokens are expected", file.string()));
  }
  description.merges_file = file;
  for (std::size_t number = 1; !bytes.empty(); ++number) {
    auto const end = bytes.find('\n');
    auto line = bytes.substr(0, end);
    bytes.remove_prefix(end == bytes.npos ? bytes.size() : end + 1);
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.empty() || line.starts_with("#version")) continue;
    if (!is_merge(line)) {
      throw InputError(
          fmt::format("{}: line {} is {}, but two tokens with a space between are "
                      "expected",
                      file.string(), number, in_quotes(line)));
    }
    auto const space = line.find(' ');
    description.merges.emplace_back(line.substr(0, space), line.substr(space + 1));
  }
}

/// The added tokens of `tokenizer_config.json` that `description` lacks.
inline void read_tokenizer_config(std::filesystem::path const& file, std::string const& bytes,
                                  TokenizerDescription& description) {
  simdjson::dom::parser parser;
  auto const root = parsed(file, bytes, parser);
  root.object();
  auto const decoder = root.find("added_tokens_decoder");
  if (!decoder) return;
  std::map<std::string, std::int64_t, std::less<>> known;
  for (auto const& token : description.added) known.emplace(token.content, token.id);
  for (auto const [key, value] : decoder->object()) {
    auto const entry = decoder->member(value, key);
    std::int64_t id = -1;
    auto const* const last = key.data() + key.size();
    if (auto const result = std::from_chars(key.data(), last, id);
        result.ec != std::errc() || result.ptr != last || id < 0 || id >= most_token_ids) {
      entry.wrong("no token id", fmt::format("an id from 0 to {}", most_token_ids - 1));
    }
    auto token = added_token(entry, id);
    auto const found = known.find(token.content);
    if (found == known.end()) {
      description.added.push_back(std::move(token));
    } else if (found->second != id) {
      entry.wrong(in_quotes(token.content),
                  fmt::format("the id {} of tokenizer.json", found->second));
    }
  }
}

}  // namespace detail
}  // namespace vcflash::text
