#include <vcflash/app/progress.hpp>

#include <algorithm>
#include <catch2/catch_test_macros.hpp>
#include <cstdlib>
#include <ranges>
#include <string>
#include <string_view>

#include "tests/app/inspect/small_mixture.hpp"
#include "tests/support/terminal.hpp"

using namespace vcflash::app;
using namespace vcflash;

namespace {

/// A status line whose text and time the test holds.
struct Shown {
  explicit Shown(bool terminal)
      : line(
            terminal, [this](std::string_view t) { text += t; }, [this] { return columns; }) {}
  /// The last state of the line.
  std::string_view last() const { return std::string_view(text).substr(text.rfind("\x1b[K") + 3); }
  Progress::Clock clock() {
    return [this] { return now; };
  }
  std::string text;
  double now = 0;
  int columns = 80;
  StatusLine line;
};

/// What inspect-data shows on a terminal of 50 columns.
std::string shown_by_inspection() {
  test::SmallMixture const small;
  test::Terminal terminal({"inspect-data", "--data", small.yaml.string()}, 50);
  CHECK(terminal.wait_for_end() == 2);  // the mixture has a row that is lost
  return terminal.glance();
}

}  // namespace

TEST_CASE("durations read as seconds, minutes and hours", "[unit]") {
  CHECK(as_duration(0.4) == "0 s");
  CHECK(as_duration(59.6) == "1:00");
  CHECK(as_duration(125) == "2:05");
  CHECK(as_duration(3723) == "1:02:03");
  CHECK(as_duration(-1) == "?");
}

TEST_CASE("a log file gets a line every few seconds, and the last one", "[unit]") {
  Shown shown(false);
  {
    Progress progress("stage1", "step", 100, 0, shown.line, shown.clock());
    for (int step = 1; step <= 100; ++step) {
      shown.now += 0.1;
      progress.update(step, "loss 0.5");
    }
  }
  CHECK(std::ranges::count(shown.text, '\n') == 3);  // the first, the one after 5 s, the last
  CHECK(shown.text.find('\r') == std::string::npos);
  CHECK(shown.text.ends_with("stage1: step 100 of 100 (100 %), 10 steps/s, 0 s left, loss 0.5\n"));
}

TEST_CASE("a terminal gets one line that is redrawn, with the time left", "[unit]") {
  Shown shown(true);
  {
    Progress progress("stage1", "step", 300, 0, shown.line, shown.clock());
    shown.now = 1;
    progress.update(2);
    shown.now = 2;
    progress.update(4);
    CHECK(shown.text.find("2 steps/s  2:28 left") != std::string::npos);
    CHECK(shown.text.find('\n') == std::string::npos);
  }
  CHECK(shown.text.ends_with("\n"));
}

TEST_CASE("the first of a run's steps is counted with the time that it took", "[unit]") {
  Shown shown(false);
  shown.now = 100;
  Progress progress("stage1", "step", 10, 0, shown.line, shown.clock());
  progress.began(2);
  progress.update(1);
  CHECK(shown.text == "stage1: step 1 of 10 (10 %), 0.5 steps/s, 18 s left\n");
}

TEST_CASE("the rate is that of this run, not of the steps an earlier run did", "[unit]") {
  Shown shown(false);
  Progress progress("stage1", "step", 200, 100, shown.line, shown.clock());
  shown.now = 10;
  progress.update(110);
  CHECK(shown.text == "stage1: step 110 of 200 (55 %), 1 steps/s, 1:30 left\n");
}

TEST_CASE("a step that was done when the clock began has no rate", "[unit]") {
  Shown shown(false);
  Progress progress("stage1", "step", 100, 0, shown.line, shown.clock());
  shown.now = 1e-5;
  progress.update(1, "loss 5.1");
  CHECK(shown.text == "stage1: step 1 of 100 (1 %), loss 5.1\n");
  shown.text.clear();
  shown.now = 10;
  progress.update(3, "loss 4");
  CHECK(shown.text == "stage1: step 3 of 100 (3 %), 0.2 steps/s, 8:05 left, loss 4\n");
}

TEST_CASE("a task that is over at once has no rate", "[unit]") {
  Shown shown(false);
  Progress progress("media", "file", 2, 0, shown.line, shown.clock());
  shown.now = 1e-5;
  progress.update(1);
  shown.now = 1e-3;
  progress.update(2);
  CHECK(shown.text == "media: file 1 of 2 (50 %)\nmedia: file 2 of 2 (100 %)\n");
}

TEST_CASE("a bar fits its terminal: a shorter one, then less of the note, then no bar", "[unit]") {
  Shown shown(true);
  Progress progress("stage1", "step", 1000, 0, shown.line, shown.clock());
  auto const at = [&](int columns) {
    shown.columns = columns;
    shown.now += 10;
    progress.update(static_cast<std::int64_t>(shown.now) * 2, "loss 0.5  lr 1e-3");
    CHECK(detail::columns_of(shown.last()) < columns);
    return std::string(shown.last());
  };
  CHECK(at(200) ==
        "stage1   20/1000 ────────────────────────   2 %  2 steps/s  8:10 left  loss 0.5  lr 1e-3");
  CHECK(at(80) == "stage1   40/1000 ────────   4 %  2 steps/s  8:00 left  loss 0.5  lr 1e-3");
  CHECK(at(70) == "stage1   60/1000 ────────   6 %  2 steps/s  7:50 left  loss 0.5");
  CHECK(at(60) == "stage1   80/1000 ────────   8 %  2 steps/s  7:40 left");
  CHECK(at(52) == "stage1  100/1000  10 %  2 steps/s  7:30 left");
  CHECK(at(20) == "stage1  120/1000  1");
  CHECK(at(1).empty());
}

TEST_CASE("a message above the bar leaves it within a window that became smaller", "[unit]") {
  Shown shown(true);
  shown.line.draw("━━━━━━━━ 1 of 2");
  shown.columns = 6;
  shown.line.print("something happened");
  CHECK(shown.text.ends_with("\r\x1b[Ksomething happened\n━━━━━"));
}

TEST_CASE("a program on a terminal of 50 columns draws within them", "[unit]") {
  auto const shown = shown_by_inspection();
  std::size_t bars = 0;
  for (auto const part : std::views::split(shown, std::string_view("\r\x1b[K"))) {
    std::string_view const text(part.begin(), part.end());
    if (bars++ > 0) CHECK(detail::columns_of(text.substr(0, text.find('\r'))) < 50);
  }
  CHECK(bars > 2);
}

TEST_CASE("a dumb terminal gets lines, no bar", "[unit]") {
  ::setenv("TERM", "dumb", 1);
  auto const shown = shown_by_inspection();
  ::unsetenv("TERM");
  CHECK(shown.find('\x1b') == std::string::npos);
  CHECK(shown.find("listing media: row") != std::string::npos);
}
