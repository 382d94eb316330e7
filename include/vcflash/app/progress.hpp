#pragma once

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

/// stderr as programs share it: a status line at the bottom that is redrawn, messages above it.
class StatusLine {
 public:
  /// A terminal is what is one, or what VCFLASH_PROGRESS=bar says leads to one.
  static StatusLine& of_stderr() {
    char const* const told = std::getenv("VCFLASH_PROGRESS");
    bool const terminal = ::isatty(STDERR_FILENO) == 1 || (told && std::string_view(told) == "bar");
    static StatusLine line(terminal, [](std::string_view text) {
      std::fwrite(text.data(), 1, text.size(), stderr);
      std::fflush(stderr);
    });
    return line;
  }

  StatusLine(bool terminal, std::function<void(std::string_view)> write)
      : terminal_(terminal), write_(std::move(write)) {}

  bool terminal() const { return terminal_; }

  /// Replaces the status line; on anything but a terminal nothing is shown.
  void draw(std::string_view text) {
    std::scoped_lock const lock(guard_);
    if (!terminal_) return;
    shown_ = text;
    write_(fmt::format("\r\x1b[K{}", shown_));
  }

  /// Writes a line of its own, above the status line.
  void print(std::string_view line) {
    std::scoped_lock const lock(guard_);
    write_(shown_.empty() ? fmt::format("{}\n", line)
                          : fmt::format("\r\x1b[K{}\n{}", line, shown_));
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

  /// Shows that `done` units are done, if it was not shown just before; the last unit always is.
  /// \param note what else is worth seeing: a loss, a score
  void update(std::int64_t done, std::string_view note = {}) {
    double const now = clock_();
    double const pause = line_.terminal() ? 0.1 : 5.0;
    if (now - marks_.back().seconds >= 0.1 || marks_.size() < 2) marks_.push_back({now, done});
    while (marks_.size() > 2 && now - marks_[1].seconds > 30) marks_.pop_front();
    bool const first = std::exchange(silent_, false);
    if (!first && done < total_ && now - shown_at_ < pause) return;
    shown_at_ = now;
    double const elapsed = now - marks_.front().seconds;
    double const rate =
        elapsed > 0 ? static_cast<double>(done - marks_.front().done) / elapsed : 0.0;
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
  struct Mark {
    double seconds;
    std::int64_t done;
  };

  double share(std::int64_t done) const {
    return total_ > 0 ? std::clamp(static_cast<double>(done) / static_cast<double>(total_), 0., 1.)
                      : 1.0;
  }

  std::string left(std::int64_t done, double rate) const {
    return as_duration(rate > 0 ? static_cast<double>(total_ - done) / rate : -1.0);
  }

  std::string bar(std::int64_t done, double rate, std::string_view note) const {
    constexpr int cells = 24;
    int const full = static_cast<int>(std::floor(share(done) * cells));
    std::string drawn;
    for (int i = 0; i < cells; ++i) drawn += i < full ? "━" : "─";
    auto const width = std::to_string(total_).size();
    return fmt::format("{} {:>{}}/{} {} {:3.0f} %  {:.3g} {}s/s  {} left{}{}", what_, done, width,
                       total_, drawn, 100 * share(done), rate, unit_, left(done, rate),
                       note.empty() ? "" : "  ", note);
  }

  std::string sentence(std::int64_t done, double rate, std::string_view note) const {
    return fmt::format("{}: {} {} of {} ({:.0f} %), {:.3g} {}s/s, {} left{}{}", what_, unit_, done,
                       total_, 100 * share(done), rate, unit_, left(done, rate),
                       note.empty() ? "" : ", ", note);
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
