#include <vcflash/train/interrupt.hpp>

#include <catch2/catch_test_macros.hpp>
#include <chrono>
#include <csignal>
#include <thread>

using vcflash::train::InterruptGuard;

TEST_CASE("signals that end a process ask for an end while a guard exists, then are as before",
          "[unit]") {
  auto const before = std::signal(SIGTERM, SIG_IGN);
  for (int const signal : {SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGUSR2}) {
    CAPTURE(signal);
    InterruptGuard const guard;
    CHECK_FALSE(guard.asked());
    CHECK(guard.seconds_since_asked() == 0);
    std::raise(signal);
    CHECK(guard.asked());
  }
  CHECK(std::signal(SIGTERM, before) == SIG_IGN);
}

TEST_CASE("the time since a request runs from the first signal", "[unit]") {
  InterruptGuard const guard;
  std::raise(SIGTERM);
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  std::raise(SIGTERM);
  CHECK(guard.seconds_since_asked() >= 0.02);
}

TEST_CASE("a hang-up that was to be ignored stays ignored", "[unit]") {
  auto const before = std::signal(SIGHUP, SIG_IGN);
  {
    InterruptGuard const guard;
    std::raise(SIGHUP);
    CHECK_FALSE(guard.asked());
  }
  CHECK(std::signal(SIGHUP, before) == SIG_IGN);
}
