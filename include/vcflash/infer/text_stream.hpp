#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <vcflash/text/tokenizer.hpp>
#include <vcflash/text/utf8.hpp>

namespace vcflash::infer {

/// Turns ids into text as they come. What may yet turn out otherwise waits: a character whose bytes
/// are not all there, and what a stop text may begin with.
class TextStream {
 public:
  /// \param stops texts of at least one byte, before the first of which the text ends
  explicit TextStream(text::Tokenizer const& tokenizer, std::vector<std::string> stops = {})
      : tokenizer_(tokenizer), stops_(std::move(stops)) {}

  /// \return what `id` adds to the text
  std::string add(std::int64_t id) {
    if (stopped_) return {};
    bytes_ += tokenizer_.bytes_of_id(id, true);
    auto const whole = bytes_.size() - text::unfinished_bytes(bytes_);
    waiting_ += text::repaired_utf8(std::string_view(bytes_).substr(0, whole));
    bytes_.erase(0, whole);
    auto end = waiting_.npos;
    for (auto const& stop : stops_) end = std::min(end, waiting_.find(stop));
    stopped_ = end != waiting_.npos;
    return taken(stopped_ ? end : waiting_.size() - begun_stop());
  }

  /// Whether a stop text came.
  bool stopped() const { return stopped_; }

  /// \return what is left, complete or not
  std::string finish() {
    if (stopped_) return {};
    waiting_ += text::repaired_utf8(std::exchange(bytes_, {}));
    return taken(waiting_.size());
  }

 private:
  /// How many bytes at the end may be the beginning of a stop text.
  std::size_t begun_stop() const {
    std::size_t most = 0;
    for (std::string_view const stop : stops_) {
      for (auto bytes = std::min(stop.size() - 1, waiting_.size()); bytes > most; --bytes) {
        if (waiting_.ends_with(stop.substr(0, bytes))) most = bytes;
      }
    }
    return most;
  }

  std::string taken(std::size_t bytes) {
    std::string text = waiting_.substr(0, bytes);
    waiting_.erase(0, bytes);
    return text;
  }

  text::Tokenizer const& tokenizer_;
  std::vector<std::string> stops_;
  std::string bytes_;    ///< of a character that is not whole
  std::string waiting_;  ///< text that was not given out
  bool stopped_ = false;
};

}  // namespace vcflash::infer
