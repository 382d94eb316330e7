#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <vcflash/meta/separate.hpp>

namespace vcflash::text {

struct TokenizerDescription;

/// A byte-level BPE tokenizer (Qwen2, Qwen2.5 and Qwen3's, Llama 3's, SmolLM2's) from the files of
/// a Hugging Face folder. Text loses its added tokens first, is normalized (NFC, if the files say
/// so), split by patterns, and each piece's bytes are merged by rank; the ids are those of Hugging
/// Face's `tokenizers`. Copies share one state; const use from many threads is safe.
class Tokenizer {
 public:
  /// Reads `tokenizer.json`, or else `vocab.json` and `merges.txt`; added tokens that only
  /// `tokenizer_config.json` names are taken from there.
  /// \throws InputError naming the file, what was found and what was expected
  static Tokenizer from_folder(std::filesystem::path const& folder);

  /// The ids of a text or a part of one (`add_special_tokens=False`). Bytes that are no UTF-8 count
  /// as U+FFFD.
  /// \throws Error where the text is over a gibibyte or the tokenizer's pattern gives up on it
  std::vector<std::int64_t> encode(std::string_view text) const;
  /// Appends to `ids` what `encode` returns.
  void encode_to(std::string_view text, std::vector<std::int64_t>& ids) const;

  /// The ids of a whole text, with what the tokenizer puts around one, which may be nothing
  /// (`add_special_tokens=True`): `ids_before` and `ids_behind`.
  std::vector<std::int64_t> encode_whole(std::string_view text) const;
  std::span<std::int64_t const> ids_before() const;  ///< Llama 3's <|begin_of_text|>
  std::span<std::int64_t const> ids_behind() const;

  /// The text of ids. Ids without a token are dropped; bytes that are no UTF-8 become one U+FFFD
  /// for each maximal subpart.
  /// \param skip_special leave out added tokens that are marked special
  std::string decode(std::span<std::int64_t const> ids, bool skip_special = false) const;

  /// What `decode` makes its text of: the bytes of one id, which may be a part of a character.
  std::string_view bytes_of_id(std::int64_t id, bool skip_special = false) const;

  /// One more than the highest id that has a token.
  std::int64_t vocabulary() const;

  /// The id of the token that is exactly this text, an added token or one of the vocabulary.
  std::optional<std::int64_t> id_of(std::string_view text) const;

  bool is_special(std::int64_t id) const;

  /// Writes the tokenizer files that were read to `folder`, byte for byte.
  /// \throws Error where a file cannot be written
  void copy_to(std::filesystem::path const& folder) const;

 private:
  enum class Kind : std::uint8_t;
  struct State;

  explicit Tokenizer(std::shared_ptr<State const> state) : state_(std::move(state)) {}

  static std::shared_ptr<State> state_of(TokenizerDescription const& description,
                                         std::filesystem::path const& folder);
  Kind kind(std::int64_t id) const;
  void encode_plain(std::string_view text, std::vector<std::int64_t>& ids) const;

  std::shared_ptr<State const> state_;
};

}  // namespace vcflash::text

#ifndef VCFLASH_SEPARATE
#include <vcflash/text/tokenizer.ipp>
#endif
