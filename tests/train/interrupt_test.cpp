#include <vcflash/train/interrupt.hpp>

#include <catch2/catch_test_macros.hpp>
#include <csignal>

using vcflash::train::InterruptGuard;

TEST_CASE("SIGTERM and SIGINT ask for an end while a guard exists, then are as before", "[unit]") {
  auto const before = std::signal(SIGTERM, SIG_IGN);
  for (int const signal : {SIGTERM, SIGINT}) {
    InterruptGuard const guard;
    CHECK_FALSE(guard.asked());
    std::raise(signal);
    CHECK(guard.asked());
  }
  CHECK(std::signal(SIGTERM, before) == SIG_IGN);
}
