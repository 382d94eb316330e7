#pragma once

#include <utf8proc.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include <vcflash/text/normalizer.hpp>
#include <vcflash/text/utf8.hpp>

namespace vcflash::text {

/// A token that stands for itself in a text (`<|im_start|>`), found before any word is split.
struct AddedToken {
  std::string content;
  std::int64_t id = 0;
  bool special = false;      ///< left out by a decoding that skips special tokens
  bool normalized = false;   ///< looked for in the normalized text, not in the raw one
  bool lstrip = false;       ///< takes the white space before it along
  bool rstrip = false;       ///< takes the white space behind it along
  bool single_word = false;  ///< counts only where no word character touches it

  bool operator==(AddedToken const&) const = default;
};

/// Finds added tokens in a text: leftmost first, of those at one place the longest.
class AddedTokens {
 public:
  AddedTokens() = default;
  explicit AddedTokens(std::vector<AddedToken> tokens) : tokens_(std::move(tokens)) {
    for (std::size_t i = 0; i < tokens_.size(); ++i) {
      auto const& content = tokens_[i].content;
      if (content.empty()) continue;
      by_content_.emplace(content, i);
      auto& lengths = lengths_[static_cast<unsigned char>(content[0])];
      if (std::find(lengths.begin(), lengths.end(), content.size()) == lengths.end()) {
        lengths.insert(
            std::lower_bound(lengths.begin(), lengths.end(), content.size(), std::greater<>()),
            content.size());
      }
    }
    for (int first = 0; first < 256; ++first) {
      if (lengths_[static_cast<std::size_t>(first)].empty()) continue;
      only_first_ = only_first_ == none ? first : several;
    }
  }

  bool empty() const { return by_content_.empty(); }

  /// Calls `plain(std::string_view)` for every non-empty stretch of other text and
  /// `added(AddedToken const&)` for every token found, in the order of the text.
  template <class Plain, class Added>
  void split(std::string_view text, Plain&& plain, Added&& added) const {
    std::size_t done = 0;
    for (std::size_t at = empty() ? text.size() : 0; at < text.size();) {
      if (only_first_ >= 0) {  // as in Qwen's, where all begin with "<"
        at = text.find(static_cast<char>(only_first_), at);
        if (at == text.npos) break;
      }
      auto const* const token = at_start_of(text.substr(at));
      if (token == nullptr) {
        ++at;
        continue;
      }
      auto begin = at;
      auto end = at += token->content.size();  // the next may begin in white space taken along
      if (token->single_word &&
          (ends_with_word(text.substr(0, begin)) || starts_with_word(text.substr(end)))) {
        continue;
      }
      if (token->lstrip) begin = std::max(done, begin_of_space_before(text, begin));
      if (token->rstrip) end += bytes_of_leading_space(text.substr(end));
      if (begin > done) plain(text.substr(done, begin - done));
      added(*token);
      done = end;
    }
    if (done < text.size()) plain(text.substr(done));
  }

 private:
  AddedToken const* at_start_of(std::string_view text) const {
    for (auto const length : lengths_[static_cast<unsigned char>(text[0])]) {  // longest first
      if (length > text.size()) continue;
      auto const found = by_content_.find(text.substr(0, length));
      if (found != by_content_.end()) return &tokens_[found->second];
    }
    return nullptr;
  }

  static std::size_t begin_of_last(std::string_view text) {
    auto at = text.size() - 1;
    while (at > 0 && (static_cast<unsigned char>(text[at]) & 0xC0) == 0x80) --at;
    return at;
  }

  static bool is_word(char32_t c) {  // \w: letters, marks, numbers, connectors
    switch (utf8proc_category(static_cast<utf8proc_int32_t>(c))) {
      case UTF8PROC_CATEGORY_LU:
      case UTF8PROC_CATEGORY_LL:
      case UTF8PROC_CATEGORY_LT:
      case UTF8PROC_CATEGORY_LM:
      case UTF8PROC_CATEGORY_LO:
      case UTF8PROC_CATEGORY_MN:
      case UTF8PROC_CATEGORY_MC:
      case UTF8PROC_CATEGORY_ME:
      case UTF8PROC_CATEGORY_ND:
      case UTF8PROC_CATEGORY_NL:
      case UTF8PROC_CATEGORY_PC:
        return true;
      default:
        return false;
    }
  }

  static bool ends_with_word(std::string_view text) {
    return !text.empty() && is_word(next_code_point(text.substr(begin_of_last(text))).code_point);
  }

  static bool starts_with_word(std::string_view text) {
    return !text.empty() && is_word(next_code_point(text).code_point);
  }

  static std::size_t begin_of_space_before(std::string_view text, std::size_t at) {
    while (at > 0) {
      auto const last = begin_of_last(text.substr(0, at));
      if (!is_white_space(next_code_point(text.substr(last)).code_point)) break;
      at = last;
    }
    return at;
  }

  static std::size_t bytes_of_leading_space(std::string_view text) {
    std::size_t bytes = 0;
    while (bytes < text.size()) {
      auto const step = next_code_point(text.substr(bytes));
      if (!is_white_space(step.code_point)) break;
      bytes += step.bytes;
    }
    return bytes;
  }

  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const {
      return std::hash<std::string_view>{}(text);
    }
  };

  std::vector<AddedToken> tokens_;
  std::unordered_map<std::string, std::size_t, Hash, std::equal_to<>> by_content_;
  std::array<std::vector<std::size_t>, 256> lengths_;  // by first byte, descending
  static constexpr int none = -1, several = -2;
  int only_first_ = none;  // the byte that every token begins with
};

}  // namespace vcflash::text
