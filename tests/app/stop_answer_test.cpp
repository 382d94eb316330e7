#include <vcflash/app/stop_answer.hpp>

#include <catch2/catch_test_macros.hpp>
#include <csignal>

using vcflash::app::StopAnswer;

TEST_CASE("Ctrl-C asks for an end once, and is then as before", "[unit]") {
  auto const before = std::signal(SIGINT, SIG_IGN);
  for (int answer = 0; answer < 2; ++answer) {
    StopAnswer const stop;
    CHECK_FALSE(stop.asked());
    std::raise(SIGINT);
    CHECK(stop.asked());
    CHECK(std::signal(SIGINT, SIG_IGN) == SIG_DFL);  // the next one would end the process
  }
  CHECK(std::signal(SIGINT, before) == SIG_IGN);
}
