#include <vcflash/app/log.hpp>

#include <catch2/catch_test_macros.hpp>
#include <string>
#include <string_view>

using namespace vcflash::app;

TEST_CASE("a message stands above the bar, which stays", "[unit]") {
  std::string text;
  StatusLine line(true, [&](std::string_view part) { text += part; });
  line.draw("bar");
  set_up_log("train", line);
  warn("clip 7 is broken.");
  CHECK(text.ends_with("\r\x1b[Ktrain: warning: clip 7 is broken.\nbar"));
}

TEST_CASE("a log file gets messages as lines of their own", "[unit]") {
  std::string text;
  StatusLine line(false, [&](std::string_view part) { text += part; });
  line.draw("bar");
  set_up_log("train", line);
  warn("clip 7 is broken.");
  CHECK(text == "train: warning: clip 7 is broken.\n");
}
