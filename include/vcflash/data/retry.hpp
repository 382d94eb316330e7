#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <vector>

/// What becomes of samples that cannot be made.
namespace vcflash::data {

/// What became of an attempt to make a sample.
enum class Attempt {
  worked,
  failed,    ///< it may work a moment later
  hopeless,  ///< it would fail again, and is not tried again
};

/// Tries rows until one works, upstream's rule: row `index`, the same again, the ones 5, 10, 20, 40
/// and 80 further on (at most the last), and the first again.
/// \param works called with a row's number; returns what became of it
/// \param pause called once, before the second try: what failed may be back a moment later
/// \return the row that worked, if one did
template <class Works, class Pause>
std::optional<std::int64_t> first_working_row(std::int64_t index, std::int64_t rows, Works&& works,
                                              Pause&& pause) {
  std::vector<std::int64_t> hopeless;
  auto const worked = [&](std::int64_t row) {
    if (std::ranges::find(hopeless, row) != hopeless.end()) return false;
    Attempt const attempt = works(row);
    if (attempt == Attempt::hopeless) hopeless.push_back(row);
    return attempt == Attempt::worked;
  };
  if (worked(index)) return index;
  if (hopeless.empty()) pause();
  for (std::int64_t const further : {0, 5, 10, 20, 40, 80, 0}) {
    std::int64_t const row = std::min(index + further, rows - 1);
    if (worked(row)) return row;
  }
  return {};
}

/// How many of the last samples failed.
class RecentFailures {
 public:
  static constexpr std::size_t window = 1000;

  void add(bool failed) {
    last_.push_back(failed);
    failures_ += failed ? 1 : 0;
    if (last_.size() <= window) return;
    failures_ -= last_.front() ? 1 : 0;
    last_.pop_front();
  }

  std::int64_t failures() const { return failures_; }
  std::size_t samples() const { return last_.size(); }

  /// Whether they are more than this part of a full window.
  bool exceed(double fraction) const {
    return static_cast<double>(failures_) > fraction * static_cast<double>(window);
  }

 private:
  std::deque<bool> last_;
  std::int64_t failures_ = 0;
};

}  // namespace vcflash::data
