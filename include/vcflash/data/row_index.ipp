#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <future>
#include <limits>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <simdjson.h>

#include <vcflash/base/error.hpp>
#include <vcflash/data/json_rows.hpp>
#include <vcflash/data/json_words.hpp>
#include <vcflash/data/padded_text.hpp>
#include <vcflash/data/row.hpp>
#include <vcflash/data/row_index.hpp>
#include <vcflash/data/row_reader.hpp>
#include <vcflash/media/byte_source.hpp>

namespace vcflash::data {

namespace detail {

static_assert(text_padding >= simdjson::SIMDJSON_PADDING);

/// Where a byte stands as people count.
inline std::string where(media::ByteSource const& file, std::int64_t position) {
  constexpr std::int64_t step = std::int64_t{1} << 20;
  std::int64_t lines = 1, line_begin = 0;
  for (std::int64_t at = 0; at < position; at += step) {
    auto const bytes = static_cast<std::size_t>(std::min(step, position - at));
    std::string const text = padded_text(file, at, bytes);
    std::string_view const before = std::string_view(text).substr(0, bytes);
    lines += std::ranges::count(before, '\n');
    if (auto const last = before.rfind('\n'); last != before.npos)
      line_begin = at + static_cast<std::int64_t>(last) + 1;
  }
  return fmt::format("at line {}, column {}", lines, position - line_begin + 1);
}

/// A row before it is read.
struct RowText {
  std::string_view text;
  std::int64_t number;
};

/// A piece of a file and the rows that begin and end in it.
struct RowPiece {
  std::int64_t offset = 0;                  ///< of the piece, in the file
  std::shared_ptr<std::string const> text;  ///< `padded_text`
  std::vector<RowText> rows;
};

inline std::vector<IndexEntry> read_rows(RowPiece const& piece) {
  std::vector<IndexEntry> entries;
  RowReader reader;
  entries.reserve(piece.rows.size());
  for (auto const& [text, number] : piece.rows) {
    IndexEntry& entry = entries.emplace_back();
    entry.offset = static_cast<std::uint64_t>(piece.offset + (text.data() - piece.text->data()));
    entry.bytes = static_cast<std::uint32_t>(text.size());
    entry.number = static_cast<std::uint32_t>(number);
    try {
      RowView const& row = reader.read(text);
      entry.modality = static_cast<std::uint8_t>(row.modality);
      entry.broken = row.problem.empty() ? 0 : 1;
      if (entry.broken != 0) continue;
      entry.words = static_cast<std::uint32_t>(row.words());
      entry.outside = std::ranges::any_of(row.media, leaves_root) ? 1 : 0;
    } catch (simdjson::simdjson_error const&) {
      entry.broken = 1;
    }
  }
  return entries;
}

/// Goes through a file's rows in order: finds where they are while threads read those before.
class Indexer {
 public:
  Indexer(media::ByteSource const& file, bool lines) : file_(file), lines_(lines) {}

  std::vector<IndexEntry> index() {
    begin(read_size(0) < 3 || !padded_text(file_, 0, 3).starts_with("\xEF\xBB\xBF") ? 0 : 3,
          stretch);
    std::string const error = lines_ ? find_lines() : find_values();
    send();
    while (!reading_.empty()) receive();
    if (!error.empty()) throw InputError(error);
    return std::move(entries_);
  }

 private:
  static constexpr std::size_t stretch = std::size_t{2} << 20;  ///< bytes that a thread reads

  std::size_t read_size(std::int64_t at) const {
    return static_cast<std::size_t>(file_.size() - at);
  }

  /// Reads a piece of the file, whose rows are then found.
  void begin(std::int64_t at, std::size_t most) {
    bytes_ = std::min(most, read_size(at));
    piece_ = {at, std::make_shared<std::string const>(padded_text(file_, at, bytes_)), {}};
  }

  std::string_view text() const { return std::string_view(*piece_.text).substr(0, bytes_); }
  bool last() const { return read_size(piece_.offset) == bytes_; }

  /// Goes on where the rows of this piece end; a row that is larger than a piece gets a larger one.
  void go_on(std::size_t done) {
    std::int64_t const at = piece_.offset + static_cast<std::int64_t>(done);
    std::size_t const most = done == 0 ? 2 * bytes_ : stretch;
    send();
    begin(at, most);
  }

  /// \return what is wrong behind the last row that was found
  std::string find_values() {
    JsonList rows(text(), last());
    std::size_t const first = text().find_first_not_of(" \t\r\n");
    if (first == text().npos) refuse(reason(simdjson::EMPTY));
    if (!rows.is_list())
      throw InputError(fmt::format("{}: found {} at the top, expected a list of rows.",
                                   file_.name(), text()[first] == '{' ? "an object" : "no list"));
    for (;;) {
      while (auto const value = rows.next()) found(*value, found_++);
      if (!rows.hungry()) break;
      go_on(rows.position());
      rows.feed(text(), last());
    }
    if (rows.error().empty()) return {};
    std::string const place =
        where(file_, piece_.offset + static_cast<std::int64_t>(rows.position()));
    if (rows.error().starts_with("text"))
      return fmt::format("{}: {} {}.", file_.name(), rows.error(), place);
    return refusal(fmt::format("it is not valid JSON: {} {}", rows.error(), place), found_);
  }

  std::string find_lines() {
    for (std::int64_t number = 0;;) {
      std::size_t done = 0;
      for (std::size_t end; (end = text().find('\n', done)) != text().npos; done = end + 1)
        line(text().substr(done, end - done), ++number);
      if (last()) {
        line(text().substr(done), ++number);
        return {};
      }
      go_on(done);
    }
  }

  void line(std::string_view line, std::int64_t number) {
    if (line.find_first_not_of(" \t\r") != line.npos) found(line, number);
  }

  void found(std::string_view row, std::int64_t number) {
    constexpr std::int64_t most = std::numeric_limits<std::uint32_t>::max();
    if (std::max(static_cast<std::int64_t>(row.size()), number) > most)
      refuse(reason(simdjson::CAPACITY));
    piece_.rows.push_back({row, number});
  }

  void send() {
    bool const small = file_.size() < static_cast<std::int64_t>(stretch);
    reading_.push_back(
        std::async(small ? std::launch::deferred : std::launch::async,
                   [piece = std::exchange(piece_, {})] { return read_rows(piece); }));
    static std::size_t const threads = std::clamp(std::thread::hardware_concurrency(), 1U, 8U);
    while (reading_.size() > threads) receive();
  }

  void receive() {
    auto const read = reading_.front().get();
    reading_.pop_front();
    entries_.insert(entries_.end(), read.begin(), read.end());
  }

  std::string refusal(std::string_view what, std::int64_t good) const {
    return fmt::format("{}: cannot be read as a list of rows: {} (after {} good rows).",
                       file_.name(), what, good);
  }
  [[noreturn]] void refuse(std::string_view what) const { throw InputError(refusal(what, found_)); }

  media::ByteSource const& file_;
  bool lines_;
  RowPiece piece_;
  std::size_t bytes_ = 0;  ///< of the piece, without its padding
  std::int64_t found_ = 0;
  std::deque<std::future<std::vector<IndexEntry>>> reading_;
  std::vector<IndexEntry> entries_;
};

}  // namespace detail

VCFLASH_INLINE std::vector<IndexEntry> index_rows(media::ByteSource const& file, bool lines) {
  return detail::Indexer(file, lines).index();
}

}  // namespace vcflash::data
