#pragma once

#include <fcntl.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>

#include <fmt/format.h>

/// How far a long task is: a bar on a terminal, now and then a line elsewhere.
namespace vcflash::app {

/// `7 s`, `2:05`, `1:02:03`.
inline std::string as_duration(double seconds) {
  if (!std::isfinite(seconds) || seconds < 0) return "?";
  auto const all = static_cast<std::int64_t>(std::llround(seconds));
  if (all < 60) return fmt::format("{} s", all);
  if (all < 3600) return fmt::format("{}:{:02}", all / 60, all % 60);
  return fmt::format("{}:{:02}:{:02}", all / 3600, all / 60 % 60, all % 60);
}

namespace detail {

/// Columns of the terminal behind stderr, or of the process's own where a pipe leads there; it may
/// have changed since it was last asked.
inline int terminal_columns() {
  static int const terminal = ::isatty(STDERR_FILENO) == 1
                                  ? STDERR_FILENO
                                  : ::open("/dev/tty", O_RDONLY | O_NOCTTY | O_CLOEXEC);
  winsize size{};
  return ::ioctl(terminal, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

/// Whether a byte begins a code point of UTF-8 text; each counts as one column.
inline bool begins_column(char byte) { return (static_cast<unsigned char>(byte) & 0xC0) != 0x80; }

inline int columns_of(std::string_view text) {
  return static_cast<int>(std::ranges::count_if(text, begins_column));
}

inline std::string_view first_columns(std::string_view text, int columns) {
  auto const beyond =
      std::ranges::find_if(text, [&](char byte) { return begins_column(byte) && columns-- <= 0; });
  return {text.begin(), beyond};
}

}  // namespace detail

/// stderr as programs share it: a status line at the bottom that is redrawn, messages above it.
class StatusLine {
 public:
  /// A terminal is what is one, or what VCFLASH_PROGRESS=bar says leads to one, unless TERM=dumb
  /// says that it cannot draw a line anew.
  static StatusLine& of_stderr() {
    auto const is = [](char const* variable, std::string_view expected) {
      char const* const value = std::getenv(variable);
      return value && value == expected;
    };
    bool const terminal =
        (::isatty(STDERR_FILENO) == 1 || is("VCFLASH_PROGRESS", "bar")) && !is("TERM", "dumb");
    static StatusLine line(
        terminal,
        [](std::string_view text) {
          std::fwrite(text.data(), 1, text.size(), stderr);
          std::fflush(stderr);
        },
        detail::terminal_columns);
    return line;
  }

  /// \param columns how wide the terminal is now
  StatusLine(
      bool terminal, std::function<void(std::string_view)> write,
      std::function<int()> columns = [] { return 80; })
      : terminal_(terminal), write_(std::move(write)), columns_(std::move(columns)) {}

  bool terminal() const { return terminal_; }

  /// Columns that a status line may have: in the last one, some terminals begin a new row.
  int columns() const { return columns_() - 1; }

  /// Replaces the status line, of which as much is shown as fits; on anything but a terminal
  /// nothing is shown.
  void draw(std::string_view text) {
    std::scoped_lock const lock(guard_);
    if (!terminal_) return;
    shown_ = detail::first_columns(text, columns());
    write_(fmt::format("\r\x1b[K{}", shown_));
  }

  /// Writes a line of its own, above the status line.
  void print(std::string_view line) {
    std::scoped_lock const lock(guard_);
    if (shown_.empty()) return write_(fmt::format("{}\n", line));
    shown_ = detail::first_columns(shown_, columns());  // the window may be smaller than it was
    write_(fmt::format("\r\x1b[K{}\n{}", line, shown_));
  }

  /// Ends the status line, which stays as it is.
  void finish() {
    std::scoped_lock const lock(guard_);
    if (!shown_.empty()) write_("\n");
    shown_.clear();
  }

 private:
  bool terminal_;
  std::function<void(std::string_view)> write_;
  std::function<int()> columns_;
  std::string shown_;
  std::mutex guard_;
};

/// Counts the units of one task, with the rate of the last half minute and the time left.
class Progress {
 public:
  using Clock = std::function<double()>;  ///< seconds, from any origin

  /// \param what named at the line's beginning  \param unit "step" for "steps/s"
  /// \param total units of the whole task  \param done units that an earlier run did
  Progress(std::string what, std::string unit, std::int64_t total, std::int64_t done = 0,
           StatusLine& line = StatusLine::of_stderr(), Clock clock = steady_seconds)
      : what_(std::move(what)),
        unit_(std::move(unit)),
        total_(total),
        line_(line),
        clock_(std::move(clock)) {
    marks_.push_back({clock_(), done});
    shown_at_ = marks_.front().seconds;
  }

  Progress(Progress const&) = delete;
  Progress& operator=(Progress const&) = delete;
  ~Progress() { line_.finish(); }

  /// Says that the task began so long before this was made.
  void began(double seconds_ago) { marks_.front().seconds -= seconds_ago; }

  /// Shows that `done` units are done, if it was not shown just before; the last unit always is.
  /// \param note what else is worth seeing: a loss, a score
  void update(std::int64_t done, std::string_view note = {}) {
    double const now = clock_();
    double const pause = line_.terminal() ? 0.1 : 5.0;
    // What is told at once was done before the clock began.
    if (marks_.size() < 2 && now - marks_.front().seconds < soon) marks_.front().done = done;
    if (now - marks_.back().seconds >= 0.1 || marks_.size() < 2) marks_.push_back({now, done});
    while (marks_.size() > 2 && now - marks_[1].seconds > 30) marks_.pop_front();
    bool const first = std::exchange(silent_, false);
    if (!first && done < total_ && now - shown_at_ < pause) return;
    shown_at_ = now;
    double const elapsed = now - marks_.front().seconds;
    double const rate =
        elapsed >= soon ? static_cast<double>(done - marks_.front().done) / elapsed : 0.0;
    if (line_.terminal()) {
      line_.draw(bar(done, rate, note));
    } else {
      line_.print(sentence(done, rate, note));
    }
  }

  static double steady_seconds() {
    return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch())
        .count();
  }

 private:
  static constexpr double soon = 0.1;  ///< seconds after which there is a rate

  struct Mark {
    double seconds;
    std::int64_t done;
  };

  double share(std::int64_t done) const {
    return total_ > 0 ? std::clamp(static_cast<double>(done) / static_cast<double>(total_), 0., 1.)
                      : 1.0;
  }

  /// The rate and the time left, each after `comma`; nothing while there is no rate.
  std::string pace(std::string_view comma, std::int64_t done, double rate) const {
    if (!(rate > 0)) return "";
    return fmt::format("{0}{1:.3g} {2}s/s{0}{3} left", comma, rate, unit_,
                       as_duration(static_cast<double>(total_ - done) / rate));
  }

  /// \param cells length of the drawn part; 0 for none
  std::string bar_of(int cells, std::int64_t done, double rate) const {
    int const full = static_cast<int>(std::floor(share(done) * cells));
    std::string drawn;
    for (int i = 0; i < cells; ++i) drawn += i < full ? "━" : "─";
    if (cells > 0) drawn += ' ';
    return fmt::format("{} {:>{}}/{} {}{:3.0f} %{}", what_, done, std::to_string(total_).size(),
                       total_, drawn, 100 * share(done), pace("  ", done, rate));
  }

  /// As much as the terminal's width takes: the drawn part is shortened first, then the note's
  /// parts go, the last one first, then the drawn part.
  std::string bar(std::int64_t done, double rate, std::string_view note) const {
    int const width = line_.columns();
    auto const parts = note.empty() ? std::string() : fmt::format("  {}", note);
    auto const fits = [&](std::string_view text, std::string_view rest) {
      return detail::columns_of(text) + detail::columns_of(rest) <= width;
    };
    auto text = bar_of(24, done, rate);
    if (fits(text, parts)) return text + parts;
    text = bar_of(8, done, rate);
    if (!fits(text, "")) return bar_of(0, done, rate);
    std::string_view rest = parts;
    while (!fits(text, rest)) rest = rest.substr(0, rest.rfind("  "));
    return text.append(rest);
  }

  std::string sentence(std::int64_t done, double rate, std::string_view note) const {
    return fmt::format("{}: {} {} of {} ({:.0f} %){}{}{}", what_, unit_, done, total_,
                       100 * share(done), pace(", ", done, rate), note.empty() ? "" : ", ", note);
  }

  std::string what_, unit_;
  std::int64_t total_;
  StatusLine& line_;
  Clock clock_;
  std::deque<Mark> marks_;
  double shown_at_ = 0;
  bool silent_ = true;
};

}  // namespace vcflash::app
