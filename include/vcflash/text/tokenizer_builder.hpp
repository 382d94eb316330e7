#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <vcflash/base/error.hpp>
#include <vcflash/text/byte_map.hpp>
#include <vcflash/text/normalizer.hpp>
#include <vcflash/text/pretokenizer.hpp>
#include <vcflash/text/tokenizer.hpp>
#include <vcflash/text/tokenizer_files.hpp>

namespace vcflash::text {

/// A byte-level BPE vocabulary: the 256 bytes, then what each merge joins, all as bytes.
struct WordVocabulary {
  std::vector<std::string> tokens;                            // by id
  std::vector<std::pair<std::int32_t, std::int32_t>> merges;  // by rank
};

namespace detail {

/// The pieces that words become alone and behind a space, in order of first use: without the
/// space, and apart those that also come with it.
struct WordPieces {
  std::vector<std::string> bare, spaced;
};

inline WordPieces word_pieces(std::span<std::string const> words) {
  Pretokenizer const pretokenizer;
  WordPieces pieces;
  std::set<std::string> bare, spaced;
  for (auto const& word : words) {
    std::string storage;
    if (!is_valid_utf8(word)) throw InputError("a word of the vocabulary is no UTF-8");
    std::string const normal(nfc(word, storage));
    for (auto rest = std::string_view(normal); !rest.empty();) {
      auto const step = next_code_point(rest);
      if (is_white_space(step.code_point)) {
        throw InputError(in_quotes(word) + " is no word: it holds white space");
      }
      rest.remove_prefix(step.bytes);
    }
    for (auto const& text : {normal, " " + normal}) {
      pretokenizer.for_each_piece(text, [&](std::string_view piece) {
        bool const behind_space = piece.starts_with(' ');
        std::string const rest(piece.substr(behind_space ? 1 : 0));
        if (rest.empty()) return;
        if (bare.insert(rest).second) pieces.bare.push_back(rest);
        if (behind_space && spaced.insert(rest).second) pieces.spaced.push_back(rest);
      });
    }
  }
  return pieces;
}

}  // namespace detail

/// A vocabulary in which each word is one token, alone and behind a space. (A word that Qwen's
/// pattern splits, "it's" or "10", is one token for each piece.) Merges are chosen as in training:
/// the most frequent pair first, of equals the one met first, until each word is one token. The
/// same words give the same vocabulary.
/// \throws InputError where a word holds white space or is no UTF-8
inline WordVocabulary word_vocabulary(std::span<std::string const> words) {
  using Id = std::int32_t;
  auto const pieces = detail::word_pieces(words);
  WordVocabulary result;
  std::map<std::string, Id> ids;
  for (auto const byte : bytes_in_vocabulary_order) {
    ids.emplace(std::string(1, static_cast<char>(byte)), static_cast<Id>(result.tokens.size()));
    result.tokens.emplace_back(1, static_cast<char>(byte));
  }
  std::map<std::pair<Id, Id>, std::size_t> ranks;
  auto const join = [&](Id left, Id right) {
    ranks.emplace(std::pair(left, right), result.merges.size());
    result.merges.emplace_back(left, right);
    auto joined = result.tokens[static_cast<std::size_t>(left)] +
                  result.tokens[static_cast<std::size_t>(right)];
    if (ids.emplace(joined, static_cast<Id>(result.tokens.size())).second) {
      result.tokens.push_back(std::move(joined));
    }
  };
  // Merges what can be merged, lowest rank first, as encoding will.
  auto const settle = [&](std::vector<Id>& piece) {
    for (;;) {
      std::size_t best = piece.size(), best_rank = result.merges.size();
      for (std::size_t i = 0; i + 1 < piece.size(); ++i) {
        auto const rank = ranks.find({piece[i], piece[i + 1]});
        if (rank != ranks.end() && rank->second < best_rank) {
          best = i;
          best_rank = rank->second;
        }
      }
      if (best == piece.size()) return;
      piece[best] = ids.at(result.tokens[static_cast<std::size_t>(piece[best])] +
                           result.tokens[static_cast<std::size_t>(piece[best + 1])]);
      piece.erase(piece.begin() + static_cast<std::ptrdiff_t>(best) + 1);
    }
  };

  std::vector<std::vector<Id>> split;
  for (auto const& piece : pieces.bare) {
    auto& tokens = split.emplace_back();
    for (char const byte : piece) tokens.push_back(ids.at(std::string(1, byte)));
  }
  for (;;) {
    std::map<std::pair<Id, Id>, std::size_t> counts;
    std::size_t most = 0;
    for (auto const& piece : split) {
      for (std::size_t i = 0; i + 1 < piece.size(); ++i) {
        most = std::max(most, ++counts[{piece[i], piece[i + 1]}]);
      }
    }
    if (most == 0) break;
    auto const first = [&] {
      for (auto const& piece : split) {
        for (std::size_t i = 0; i + 1 < piece.size(); ++i) {
          if (counts[{piece[i], piece[i + 1]}] == most) return std::pair(piece[i], piece[i + 1]);
        }
      }
      throw Error("a pair that was counted is gone");
    }();
    join(first.first, first.second);
    for (auto& piece : split) settle(piece);
  }
  // Last of all, so that a word is whole before the space joins it.
  for (auto const& piece : pieces.spaced) join(ids.at(" "), ids.at(piece));
  return result;
}

inline std::vector<std::string> qwen_added_tokens() {
  return {"<|endoftext|>", "<|im_start|>", "<|im_end|>"};
}

/// Writes the vocabulary of `words` and Qwen's added tokens behind it as a tokenizer of the Qwen2
/// kind: tokenizer.json, vocab.json, merges.txt and tokenizer_config.json, which `transformers`
/// reads as well.
/// \param folder made if missing  \return the tokenizer, read back from it
/// \throws InputError as `word_vocabulary`; Error where a file cannot be written
inline Tokenizer write_word_tokenizer(std::filesystem::path const& folder,
                                      std::span<std::string const> words,
                                      std::vector<std::string> const& added = qwen_added_tokens()) {
  using Json = nlohmann::ordered_json;
  auto const vocabulary = word_vocabulary(words);
  auto const spelling = [&](std::int32_t id) {
    return spelled(vocabulary.tokens[static_cast<std::size_t>(id)]);
  };
  Json ids = Json::object();
  for (std::size_t id = 0; id < vocabulary.tokens.size(); ++id) {
    ids[spelling(static_cast<std::int32_t>(id))] = id;
  }
  Json merges = Json::array();
  std::string merge_lines = "#version: 0.2\n";
  for (auto const& [left, right] : vocabulary.merges) {
    merges.push_back(spelling(left) + " " + spelling(right));
    merge_lines += merges.back().get<std::string>() + "\n";
  }
  Json added_tokens = Json::array(), decoder = Json::object();
  for (std::size_t i = 0; i < added.size(); ++i) {
    auto const id = vocabulary.tokens.size() + i;
    Json const token = {{"content", added[i]}, {"lstrip", false},      {"normalized", false},
                        {"rstrip", false},     {"single_word", false}, {"special", true}};
    decoder[std::to_string(id)] = token;
    added_tokens.push_back(Json{{"id", id}});
    added_tokens.back().update(token);
  }
  Json const byte_level = {{"type", "ByteLevel"},
                           {"add_prefix_space", false},
                           {"trim_offsets", false},
                           {"use_regex", false}};
  Json const split = {{"type", "Split"},
                      {"pattern", {{"Regex", std::string(qwen_split_pattern)}}},
                      {"behavior", "Isolated"},
                      {"invert", false}};
  Json const whole = {{"version", "1.0"},
                      {"truncation", nullptr},
                      {"padding", nullptr},
                      {"added_tokens", added_tokens},
                      {"normalizer", {{"type", "NFC"}}},
                      {"pre_tokenizer",
                       {{"type", "Sequence"}, {"pretokenizers", Json::array({split, byte_level})}}},
                      {"post_processor", byte_level},
                      {"decoder", byte_level},
                      {"model",
                       {{"type", "BPE"},
                        {"dropout", nullptr},
                        {"unk_token", nullptr},
                        {"continuing_subword_prefix", ""},
                        {"end_of_word_suffix", ""},
                        {"fuse_unk", false},
                        {"byte_fallback", false},
                        {"vocab", ids},
                        {"merges", merges}}}};
  auto const has = [&](std::string_view token) -> Json {
    return std::find(added.begin(), added.end(), token) == added.end() ? Json() : Json(token);
  };
  // The reference unpacks exactly two additional tokens: the begin and the end of a turn.
  Json additional = Json::array();
  for (auto const token : {"<|im_start|>", "<|im_end|>"}) {
    if (!has(token).is_null()) additional.push_back(token);
  }
  Json const config = {
      {"add_prefix_space", false},
      {"added_tokens_decoder", decoder},
      {"additional_special_tokens", additional},
      {"bos_token", nullptr},
      {"chat_template",
       R"({% for message in messages %}{{ '<|im_start|>' + message['role'] + '\n' + )"
       R"(message['content'] + '<|im_end|>' + '\n' }}{% endfor %}{% if add_generation_prompt %})"
       R"({{ '<|im_start|>assistant\n' }}{% endif %})"},
      {"clean_up_tokenization_spaces", false},
      {"eos_token", has("<|im_end|>")},
      {"errors", "replace"},
      {"model_max_length", 32768},
      {"pad_token", has("<|endoftext|>")},
      {"split_special_tokens", false},
      {"tokenizer_class", "Qwen2Tokenizer"},
      {"unk_token", nullptr}};
  std::error_code ignored;  // the first file says what is wrong with the folder
  std::filesystem::create_directories(folder, ignored);
  detail::write_whole(folder / "tokenizer.json", whole.dump(1) + "\n");
  detail::write_whole(folder / "vocab.json", ids.dump() + "\n");
  detail::write_whole(folder / "merges.txt", merge_lines);
  detail::write_whole(folder / "tokenizer_config.json", config.dump(1) + "\n");
  return Tokenizer::from_folder(folder);
}

}  // namespace vcflash::text
