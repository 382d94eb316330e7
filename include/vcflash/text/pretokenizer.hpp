#pragma once

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <new>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <vcflash/base/error.hpp>

namespace vcflash::text {

/// How Qwen2 and Qwen2.5 cut a text into the words that byte pairs are merged within.
inline constexpr std::string_view qwen_split_pattern =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}|)"
    R"( ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";

/// GPT-2's pattern, meant by a `ByteLevel` pre-tokenizer with `use_regex`.
inline constexpr std::string_view gpt2_split_pattern =
    R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)";

/// A `Digits` pre-tokenizer's: each digit alone (`individual_digits`), or what stands together.
inline constexpr std::string_view each_digit_pattern = R"(\p{N})", digits_pattern = R"(\p{N}+)";

/// `pattern` with `\s` and `\S` spelled out as Unicode's White_Space. PCRE2's own `\s` also takes
/// U+180E, which the Oniguruma and JavaScript engines that the patterns were written for do not.
inline std::string with_unicode_white_space(std::string_view pattern) {
  constexpr std::string_view members =
      R"(\x{09}-\x{0D}\x{20}\x{85}\x{A0}\x{1680}\x{2000}-\x{200A}\x{2028}\x{2029}\x{202F}\x{205F}\x{3000})";
  std::string result;
  bool in_class = false;
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    char const c = pattern[i];
    if (c == '\\' && i + 1 < pattern.size()) {
      char const escaped = pattern[++i];
      if (escaped == 's') {
        (result += in_class ? "" : "[").append(members) += in_class ? "" : "]";
      } else if (escaped == 'S' && !in_class) {
        (result += "[^").append(members) += "]";
      } else {
        (result += c) += escaped;
      }
      continue;
    }
    if (c == '[') in_class = true;
    if (c == ']') in_class = false;
    result += c;
  }
  return result;
}

/// Splits text with regular expressions (PCRE2, compiled to machine code where the platform can).
/// Const use from many threads is safe.
class Pretokenizer {
 public:
  /// \throws InputError where the pattern does not compile
  explicit Pretokenizer(std::string_view pattern = qwen_split_pattern) { add(pattern); }
  /// Each pattern splits the pieces of the one before it, of which it sees nothing else.
  /// \throws InputError where a pattern does not compile
  explicit Pretokenizer(std::span<std::string const> patterns) {
    for (auto const& pattern : patterns) add(pattern);
  }

  /// Calls `piece(std::string_view)` for every match and for every non-empty stretch between two;
  /// without patterns for the whole text.
  /// \param text valid UTF-8
  /// \throws Error where a pattern backtracks without bound on this text
  template <class Piece>
  void for_each_piece(std::string_view text, Piece&& piece) const {
    if (text.empty()) return;
    std::unique_ptr<pcre2_match_data_8, decltype(&pcre2_match_data_free_8)> const data(
        pcre2_match_data_create_8(1, nullptr), &pcre2_match_data_free_8);
    std::unique_ptr<pcre2_match_context_8, decltype(&pcre2_match_context_free_8)> const limits(
        pcre2_match_context_create_8(nullptr), &pcre2_match_context_free_8);
    if (!data || !limits) throw std::bad_alloc();
    // Runs of white space are walked back once, so a fair pattern needs a small multiple of the
    // length; a pattern that needs far more is a trap.
    std::uint64_t const most = 10'000'000u + 16u * static_cast<std::uint64_t>(text.size());
    pcre2_set_match_limit_8(limits.get(),
                            static_cast<std::uint32_t>(std::min<std::uint64_t>(most, UINT32_MAX)));
    split(0, text, *data, *limits, piece);
  }

 private:
  struct Match {
    std::size_t begin, end;
  };

  struct Pattern {
    std::shared_ptr<pcre2_code_8> code;
    bool jit;
  };

  void add(std::string_view pattern) {
    std::shared_ptr<pcre2_code_8> code(compiled(pattern), &pcre2_code_free_8);
    bool const jit = pcre2_jit_compile_8(code.get(), PCRE2_JIT_COMPLETE) == 0;
    patterns_.push_back({std::move(code), jit});
  }

  /// Splits by the patterns from `level` on.
  template <class Piece>
  void split(std::size_t level, std::string_view text, pcre2_match_data_8& data,
             pcre2_match_context_8& limits, Piece& piece) const {
    if (level == patterns_.size()) return piece(text);
    std::size_t done = 0, from = 0;
    while (from < text.size()) {
      auto const [begin, end] = next_match(patterns_[level], text, from, data, limits);
      if (begin == PCRE2_UNSET) break;
      if (begin > done) split(level + 1, text.substr(done, begin - done), data, limits, piece);
      if (end > begin) split(level + 1, text.substr(begin, end - begin), data, limits, piece);
      done = end;
      from = end > begin ? end : after_code_point(text, end);
    }
    if (done < text.size()) split(level + 1, text.substr(done), data, limits, piece);
  }

  static pcre2_code_8* compiled(std::string_view pattern) {
    auto const spelled = with_unicode_white_space(pattern);
    int error = 0;
    std::size_t offset = 0;
    auto* const code =
        pcre2_compile_8(reinterpret_cast<PCRE2_SPTR8>(spelled.data()), spelled.size(),
                        PCRE2_UTF | PCRE2_UCP | PCRE2_NEVER_BACKSLASH_C, &error, &offset, nullptr);
    if (code == nullptr) {
      PCRE2_UCHAR8 why[256] = {};
      pcre2_get_error_message_8(error, why, sizeof why);
      fail<InputError>("the split pattern is no regular expression: ",
                       reinterpret_cast<char const*>(why));
    }
    return code;
  }

  static std::size_t after_code_point(std::string_view text, std::size_t at) {
    ++at;
    while (at < text.size() && (static_cast<unsigned char>(text[at]) & 0xC0) == 0x80) ++at;
    return at;
  }

  static Match next_match(Pattern const& pattern, std::string_view text, std::size_t from,
                          pcre2_match_data_8& data, pcre2_match_context_8& limits) {
    auto const* const subject = reinterpret_cast<PCRE2_SPTR8>(text.data());
    int result = PCRE2_ERROR_JIT_STACKLIMIT;
    if (pattern.jit) {
      result = pcre2_jit_match_8(pattern.code.get(), subject, text.size(), from, 0, &data, &limits);
    }
    if (result == PCRE2_ERROR_JIT_STACKLIMIT) {  // the interpreter keeps its stack on the heap
      result = pcre2_match_8(pattern.code.get(), subject, text.size(), from,
                             PCRE2_NO_UTF_CHECK | PCRE2_NO_JIT, &data, &limits);
    }
    if (result == PCRE2_ERROR_NOMATCH) return {PCRE2_UNSET, PCRE2_UNSET};
    if (result < 0) {
      fail<Error>("the split pattern of the tokenizer gives up on a text of ", text.size(),
                  " bytes (PCRE2 error ", result, "); the pattern backtracks too much");
    }
    auto const* const bounds = pcre2_get_ovector_pointer_8(&data);
    return {bounds[0], bounds[1]};
  }

  std::vector<Pattern> patterns_;
};

}  // namespace vcflash::text
