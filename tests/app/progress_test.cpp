#include <vcflash/app/progress.hpp>

#include <algorithm>
#include <catch2/catch_test_macros.hpp>
#include <string>

using namespace vcflash::app;

namespace {

/// A status line whose text and time the test holds.
struct Shown {
  explicit Shown(bool terminal) : line(terminal, [this](std::string_view t) { text += t; }) {}
  Progress::Clock clock() {
    return [this] { return now; };
  }
  std::string text;
  double now = 0;
  StatusLine line;
};

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

TEST_CASE("the rate is that of this run, not of the steps an earlier run did", "[unit]") {
  Shown shown(false);
  Progress progress("stage1", "step", 200, 100, shown.line, shown.clock());
  shown.now = 10;
  progress.update(110);
  CHECK(shown.text == "stage1: step 110 of 200 (55 %), 1 steps/s, 1:30 left\n");
}
