#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <future>
#include <limits>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <simdjson.h>

#include <vcflash/data/json_rows.hpp>
#include <vcflash/data/mapped_file.hpp>
#include <vcflash/data/row.hpp>
#include <vcflash/data/row_index.hpp>
#include <vcflash/data/row_reader.hpp>
#include <vcflash/meta/error.hpp>

namespace vcflash::data {

namespace detail {

inline std::string where(std::string_view text, std::size_t position) {
  std::string_view const before = text.substr(0, position);
  auto const line = std::count(before.begin(), before.end(), '\n') + 1;
  auto const column = before.size() - (before.rfind('\n') + 1) + 1;
  return fmt::format("at line {}, column {}", line, column);
}

/// A stretch of a file's rows, read by one thread.
struct IndexedRows {
  std::vector<IndexEntry> entries;
  simdjson::error_code error = simdjson::SUCCESS;  ///< what ended it, for a list
  std::size_t position = 0;                        ///< where in the file
};

/// A row before it is read.
struct RowText {
  std::string_view text;
  std::int64_t number;
};

inline IndexedRows read_rows(std::string_view file, std::vector<RowText> const& rows, bool lines) {
  constexpr std::int64_t most = std::numeric_limits<std::uint32_t>::max();
  IndexedRows read;
  RowReader reader;
  read.entries.reserve(rows.size());
  for (auto const& [text, number] : rows) {
    IndexEntry& entry = read.entries.emplace_back();
    entry.offset = static_cast<std::size_t>(text.data() - file.data());
    entry.bytes = static_cast<std::uint32_t>(text.size());
    entry.number = static_cast<std::uint32_t>(number);
    try {
      if (std::max(static_cast<std::int64_t>(text.size()), number) > most)
        throw simdjson::simdjson_error(simdjson::CAPACITY);
      RowView const& row = reader.read(text);
      entry.modality = static_cast<std::uint8_t>(row.modality);
      entry.broken = row.problem.empty() ? 0 : 1;
      if (entry.broken != 0) continue;
      entry.words = static_cast<std::uint32_t>(row.words());
      entry.outside = std::ranges::any_of(row.media, leaves_root) ? 1 : 0;
    } catch (simdjson::simdjson_error const& error) {
      if (lines && error.error() != simdjson::CAPACITY) {
        entry.broken = 1;
        continue;
      }
      read.entries.pop_back();
      char const* const stop = reader.location();
      read.error = error.error();
      read.position =
          static_cast<std::size_t>((stop == nullptr ? text.data() : stop) - file.data());
      break;
    }
  }
  return read;
}

/// Goes through a file's rows in order: finds where they are while threads read those before.
class Indexer {
 public:
  Indexer(MappedFile const& file, bool lines) : file_(file), text_(file.bytes()), lines_(lines) {
    if (text_.starts_with("\xEF\xBB\xBF")) begin_ = 3;
  }

  std::vector<IndexEntry> index() {
    std::string const error = lines_ ? find_lines() : find_values();
    send();
    while (!reading_.empty()) receive();
    if (!error.empty()) throw InputError(error);
    return std::move(entries_);
  }

 private:
  static constexpr std::size_t stretch = std::size_t{2} << 20;  ///< bytes that a thread reads

  /// \return what is wrong behind the last row that was found
  std::string find_values() {
    JsonList rows(text_.substr(begin_));
    std::size_t const first = text_.find_first_not_of(" \t\r\n", begin_);
    if (first == text_.npos) refuse(reason(simdjson::EMPTY));
    if (!rows.is_list())
      throw InputError(fmt::format("{}: found {} at the top, expected a list of rows.",
                                   file_.name(), text_[first] == '{' ? "an object" : "no list"));
    while (auto const value = rows.next()) found(*value, found_++);
    if (rows.error().empty()) return {};
    std::string const place = where(text_, begin_ + rows.position());
    if (rows.error().starts_with("text"))
      return fmt::format("{}: {} {}.", file_.name(), rows.error(), place);
    return refusal(fmt::format("it is not valid JSON: {} {}", rows.error(), place), found_);
  }

  std::string find_lines() {
    std::int64_t number = 0;
    for (std::size_t begin = begin_; begin < text_.size();) {
      std::size_t const end = std::min(text_.find('\n', begin), text_.size());
      std::string_view const line = text_.substr(begin, end - begin);
      ++number;
      if (line.find_first_not_of(" \t\r") != line.npos) found(line, number);
      begin = end + 1;
    }
    return {};
  }

  void found(std::string_view row, std::int64_t number) {
    rows_.push_back({row, number});
    bytes_ += row.size();
    if (bytes_ >= stretch) send();
  }

  void send() {
    auto const policy = text_.size() < stretch ? std::launch::deferred : std::launch::async;
    reading_.push_back(std::async(policy, [text = text_, rows = std::move(rows_), lines = lines_] {
      return read_rows(text, rows, lines);
    }));
    rows_ = {};
    bytes_ = 0;
    static std::size_t const threads = std::clamp(std::thread::hardware_concurrency(), 1U, 8U);
    while (reading_.size() > threads) receive();
  }

  void receive() {
    IndexedRows const read = reading_.front().get();
    reading_.pop_front();
    entries_.insert(entries_.end(), read.entries.begin(), read.entries.end());
    if (read.error != simdjson::SUCCESS)
      refuse(fmt::format("{} {}", reason(read.error), where(text_, read.position)));
    if (entries_.empty()) return;
    // What was read is not read again: it need not stay in memory.
    file_.release(released_, static_cast<std::size_t>(entries_.back().offset));
    released_ = static_cast<std::size_t>(entries_.back().offset);
  }

  std::string refusal(std::string_view what, std::int64_t good) const {
    return fmt::format("{}: cannot be read as a list of rows: {} (after {} good rows).",
                       file_.name(), what, good);
  }
  [[noreturn]] void refuse(std::string_view what) const {
    throw InputError(refusal(what, static_cast<std::int64_t>(entries_.size())));
  }

  MappedFile const& file_;
  std::string_view text_;
  bool lines_;
  std::size_t begin_ = 0, released_ = 0, bytes_ = 0;
  std::int64_t found_ = 0;
  std::vector<RowText> rows_;
  std::deque<std::future<IndexedRows>> reading_;
  std::vector<IndexEntry> entries_;
};

}  // namespace detail

VCFLASH_INLINE std::vector<IndexEntry> index_rows(MappedFile const& file, bool lines) {
  return detail::Indexer(file, lines).index();
}

}  // namespace vcflash::data
