#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <filesystem>
#include <iterator>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include <vcflash/base/error.hpp>
#include <vcflash/text/added_tokens.hpp>
#include <vcflash/text/bpe.hpp>
#include <vcflash/text/byte_map.hpp>
#include <vcflash/text/normalizer.hpp>
#include <vcflash/text/pretokenizer.hpp>
#include <vcflash/text/tokenizer.hpp>
#include <vcflash/text/tokenizer_files.hpp>
#include <vcflash/text/utf8.hpp>

namespace vcflash::text {

enum class Tokenizer::Kind : std::uint8_t { none, base, added, special };

struct Tokenizer::State {
  BytePairs pairs;
  Pretokenizer pretokenizer;
  bool nfc = true;
  std::vector<std::int64_t> before, behind;             // what is put around a whole text
  AddedTokens raw, normalized;                          // looked for before and after normalizing
  std::vector<Kind> kinds;                              // by id
  std::unordered_map<std::int64_t, std::string> texts;  // of tokens that are not their bytes
  std::unordered_map<std::string, std::int64_t> added_ids;
  std::vector<std::pair<std::string, std::string>> files;  // name, bytes
};

namespace detail {

/// The files of a Hugging Face folder that belong to its tokenizer.
inline constexpr std::array<std::string_view, 7> tokenizer_file_names = {
    "tokenizer.json",          "vocab.json",        "merges.txt",         "tokenizer_config.json",
    "special_tokens_map.json", "added_tokens.json", "chat_template.jinja"};

/// The vocabulary as bytes; apart the tokens that spell none, which no text leads to.
struct TokenBytes {
  BytePairs pairs;
  std::unordered_map<std::int64_t, std::string> others;
};

inline TokenBytes token_bytes(TokenizerDescription const& description) {
  auto const file = description.vocabulary_file.string();
  std::int64_t size = 0;
  for (auto const& [token, id] : description.vocabulary) size = std::max(size, id + 1);
  std::vector<std::string> by_id(static_cast<std::size_t>(size));
  std::unordered_map<std::int64_t, std::string> others;
  for (auto const& [token, id] : description.vocabulary) {
    auto& place = by_id[static_cast<std::size_t>(id)];
    if (!place.empty() || others.contains(id)) {
      throw InputError(fmt::format("{}: {} has the id {} of another token; an id may have one",
                                   file, in_quotes(token), id));
    }
    if (auto bytes = bytes_of(token); bytes && !bytes->empty()) {
      place = std::move(*bytes);
    } else {
      others.emplace(id, token);
    }
  }
  TokenBytes result{BytePairs(std::move(by_id)), std::move(others)};
  for (auto const& [token, id] : description.vocabulary) {
    auto const bytes = result.pairs.bytes_of(static_cast<std::size_t>(id));
    if (!bytes.empty() && result.pairs.find(bytes) != id) {
      throw InputError(fmt::format("{}: the token {} comes twice", file, in_quotes(token)));
    }
  }
  for (int byte = 0; byte < 256; ++byte) {
    if (result.pairs.id_of_byte(static_cast<unsigned char>(byte)) != no_token) continue;
    // A vocabulary that was learned from text may lack what the text had none of.
    bool const common = (byte >= 0x20 && byte < 0x7F) || byte == '\n' || byte == '\t';
    auto const lacks = fmt::format("{}: the vocabulary lacks byte {:#04x} (\"{}\")", file, byte,
                                   spelled(std::string(1, static_cast<char>(byte))));
    if (common) {
      throw InputError(lacks + "; a byte-level tokenizer has all that text is written in");
    }
    if (!description.unknown_token.empty()) {
      throw InputError(fmt::format("{}, for which {} would stand; null is expected as unk_token",
                                   lacks, in_quotes(description.unknown_token)));
    }
  }
  return result;
}

inline std::vector<Merge> merges_of(TokenizerDescription const& description,
                                    BytePairs const& pairs) {
  std::vector<Merge> merges;
  merges.reserve(description.merges.size());
  for (auto const& [left, right] : description.merges) {
    auto const left_bytes = bytes_of(left), right_bytes = bytes_of(right);
    auto const id_of = [&, &left = left, &right = right](std::optional<std::string> const& bytes) {
      auto const id = bytes ? pairs.find(*bytes).value_or(no_token) : no_token;
      if (id != no_token) return id;
      throw InputError(fmt::format("{}: merge {} is {}, but the vocabulary lacks {}",
                                   description.merges_file.string(), merges.size(),
                                   in_quotes(left + " " + right),
                                   &bytes == &left_bytes    ? "the left token"
                                   : &bytes == &right_bytes ? "the right token"
                                                            : "what they make"));
    };
    auto const left_id = id_of(left_bytes), right_id = id_of(right_bytes);
    merges.push_back({left_id, right_id, id_of(*left_bytes + *right_bytes)});
  }
  return merges;
}

}  // namespace detail

VCFLASH_INLINE std::int64_t Tokenizer::vocabulary() const {
  return static_cast<std::int64_t>(state_->kinds.size());
}

VCFLASH_INLINE Tokenizer::Kind Tokenizer::kind(std::int64_t id) const {
  return state_->kinds[static_cast<std::size_t>(id)];
}

VCFLASH_INLINE bool Tokenizer::is_special(std::int64_t id) const {
  return id >= 0 && id < vocabulary() && kind(id) == Kind::special;
}

VCFLASH_INLINE std::shared_ptr<Tokenizer::State> Tokenizer::state_of(
    TokenizerDescription const& description, std::filesystem::path const& folder) {
  auto tokens = detail::token_bytes(description);
  tokens.pairs.set_merges(detail::merges_of(description, tokens.pairs));
  tokens.pairs.set_ignore_merges(description.ignore_merges);
  std::vector<Kind> kinds(tokens.pairs.size());
  for (auto const& [token, id] : description.vocabulary) {
    kinds[static_cast<std::size_t>(id)] = Kind::base;
  }
  auto texts = std::move(tokens.others);
  std::unordered_map<std::string, std::int64_t> added_ids;
  std::vector<AddedToken> raw, normalized;
  for (auto token : description.added) {
    auto const at = static_cast<std::size_t>(token.id);
    // A token that is in the vocabulary may be added under the id it has there.
    auto const bytes = bytes_of(token.content);
    std::int64_t const base = bytes ? tokens.pairs.find(*bytes).value_or(no_token) : no_token;
    auto const other = texts.find(token.id);
    bool const known = base == token.id || (other != texts.end() && other->second == token.content);
    if (!added_ids.emplace(token.content, token.id).second || (base >= 0 && !known)) {
      throw InputError(fmt::format("{}: the added token {} has two ids, or comes twice",
                                   folder.string(), in_quotes(token.content)));
    }
    if (at < kinds.size() && kinds[at] != Kind::none && !known) {
      throw InputError(fmt::format("{}: the added token {} has the id {} of another token",
                                   folder.string(), in_quotes(token.content), token.id));
    }
    if (at >= kinds.size()) kinds.resize(at + 1);
    kinds[at] = token.special ? Kind::special : Kind::added;
    // Decoding reads an added token's text as bytes where it can, as any other token's.
    texts[token.id] = bytes.value_or(token.content);
    if (token.normalized && description.nfc) {
      std::string storage;
      token.content = std::string(nfc(token.content, storage));
    }
    (token.normalized ? normalized : raw).push_back(std::move(token));
  }
  for (auto const* const around : {&description.ids_before, &description.ids_behind}) {
    for (auto const id : *around) {
      if (id < std::ssize(kinds) && kinds[static_cast<std::size_t>(id)] != Kind::none) continue;
      throw InputError(
          fmt::format("{}: post_processor puts the id {} around a text; no token has it",
                      description.vocabulary_file.string(), id));
    }
  }
  auto pretokenizer = [&] {
    try {
      return Pretokenizer(description.split_patterns);
    } catch (InputError const& error) {
      throw InputError(fmt::format("{}: {}", description.vocabulary_file.string(), error.what()));
    }
  }();
  auto state = std::make_shared<State>(State{.pairs = std::move(tokens.pairs),
                                             .pretokenizer = std::move(pretokenizer),
                                             .nfc = description.nfc,
                                             .before = description.ids_before,
                                             .behind = description.ids_behind,
                                             .raw = AddedTokens(std::move(raw)),
                                             .normalized = AddedTokens(std::move(normalized)),
                                             .kinds = std::move(kinds),
                                             .texts = std::move(texts),
                                             .added_ids = std::move(added_ids),
                                             .files = {}});
  return state;
}

VCFLASH_INLINE Tokenizer Tokenizer::from_folder(std::filesystem::path const& folder) {
  std::vector<std::pair<std::string, std::string>> files;
  for (auto const name : detail::tokenizer_file_names) {
    std::error_code ignored;
    if (!std::filesystem::exists(folder / name, ignored)) continue;
    files.emplace_back(name, detail::read_whole(folder / name));
  }
  auto const bytes_of_file = [&](std::string_view name) -> std::string const* {
    for (auto const& [file, bytes] : files) {
      if (file == name) return &bytes;
    }
    return nullptr;
  };
  TokenizerDescription description;
  auto const *const whole = bytes_of_file("tokenizer.json"),
                    *const vocabulary = bytes_of_file("vocab.json"),
                    *const merges = bytes_of_file("merges.txt");
  if (whole != nullptr) {
    detail::read_tokenizer_json(folder / "tokenizer.json", *whole, description);
  } else if (vocabulary != nullptr && merges != nullptr) {
    simdjson::dom::parser parser;
    description.vocabulary_file = folder / "vocab.json";
    detail::read_vocabulary(detail::parsed(description.vocabulary_file, *vocabulary, parser),
                            description);
    detail::read_merges_txt(folder / "merges.txt", *merges, description);
  } else {
    throw InputError(
        fmt::format("{}: no tokenizer; tokenizer.json is expected, or vocab.json and "
                    "merges.txt",
                    folder.string()));
  }
  if (auto const* const config = bytes_of_file("tokenizer_config.json")) {
    detail::read_tokenizer_config(folder / "tokenizer_config.json", *config, description);
  }
  auto state = state_of(description, folder);
  state->files = std::move(files);
  return Tokenizer(std::move(state));
}

VCFLASH_INLINE void Tokenizer::encode_plain(std::string_view text,
                                            std::vector<std::int64_t>& ids) const {
  state_->pretokenizer.for_each_piece(
      text, [&](std::string_view word) { state_->pairs.encode(word, ids); });
}

VCFLASH_INLINE void Tokenizer::encode_to(std::string_view text,
                                         std::vector<std::int64_t>& ids) const {
  constexpr std::size_t most = std::size_t{1} << 30;
  if (text.size() > most) {
    throw Error(
        fmt::format("a text of {} bytes is too long for the tokenizer; at most {} are taken",
                    text.size(), most));
  }
  std::string repaired, storage;
  if (!is_valid_utf8(text)) text = repaired = repaired_utf8(text);
  auto const add = [&](AddedToken const& token) { ids.push_back(token.id); };
  auto const encode_normalized = [&](std::string_view part) { encode_plain(part, ids); };
  state_->raw.split(
      text,
      [&](std::string_view part) {
        auto const normal = state_->nfc ? nfc(part, storage) : part;
        if (state_->normalized.empty()) {
          encode_plain(normal, ids);
        } else {
          state_->normalized.split(normal, encode_normalized, add);
        }
      },
      add);
}

VCFLASH_INLINE std::vector<std::int64_t> Tokenizer::encode(std::string_view text) const {
  std::vector<std::int64_t> ids;
  ids.reserve(text.size() / 3 + 8);
  encode_to(text, ids);
  return ids;
}

VCFLASH_INLINE std::span<std::int64_t const> Tokenizer::ids_before() const {
  return state_->before;
}

VCFLASH_INLINE std::span<std::int64_t const> Tokenizer::ids_behind() const {
  return state_->behind;
}

VCFLASH_INLINE std::vector<std::int64_t> Tokenizer::encode_whole(std::string_view text) const {
  auto ids = state_->before;
  encode_to(text, ids);
  ids.insert(ids.end(), state_->behind.begin(), state_->behind.end());
  return ids;
}

VCFLASH_INLINE std::string_view Tokenizer::bytes_of_id(std::int64_t id, bool skip_special) const {
  if (id < 0 || id >= vocabulary() || (skip_special && kind(id) == Kind::special)) return {};
  auto const other = state_->texts.find(id);
  if (other != state_->texts.end()) return other->second;
  if (kind(id) == Kind::base) return state_->pairs.bytes_of(static_cast<std::size_t>(id));
  return {};
}

VCFLASH_INLINE std::string Tokenizer::decode(std::span<std::int64_t const> ids,
                                             bool skip_special) const {
  std::string bytes;
  for (auto const id : ids) bytes += bytes_of_id(id, skip_special);
  return is_valid_utf8(bytes) ? bytes : repaired_utf8(bytes);
}

VCFLASH_INLINE std::optional<std::int64_t> Tokenizer::id_of(std::string_view text) const {
  if (auto const added = state_->added_ids.find(std::string(text));
      added != state_->added_ids.end()) {
    return added->second;
  }
  return state_->pairs.find(text);
}

VCFLASH_INLINE void Tokenizer::copy_to(std::filesystem::path const& folder) const {
  for (auto const& [name, bytes] : state_->files) detail::write_whole(folder / name, bytes);
}

}  // namespace vcflash::text
