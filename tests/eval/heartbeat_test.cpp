#include <vcflash/eval/heartbeat.hpp>

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>
#include <chrono>
#include <memory>
#include <string>
#include <thread>

#include "tests/support/folder.hpp"

using namespace vcflash::eval;
using Catch::Matchers::ContainsSubstring;
using State = Watched::State;

namespace {

constexpr Pace quick{.beat = std::chrono::milliseconds(20),
                     .gone = std::chrono::milliseconds(300),
                     .look = std::chrono::milliseconds(20)};

/// What a process of another machine would have written.
std::string sign(std::uint64_t beat, std::string const& process = "p") {
  return detail::to_text(
      {.run = "r", .process = process, .beat = beat, .machine = "another", .pid = 1});
}

}  // namespace

TEST_CASE("a process is at work as long as it beats, and leaves nothing behind", "[unit]") {
  vcflash::test::TemporaryFolder const folder;
  auto const path = folder / "sign";
  Watched watched(path, quick);
  CHECK(watched.look() == State::absent);
  {
    Heartbeat own(path, 2, quick);
    own.begin("run");
    own.finish("a");
    CHECK(watched.look() == State::at_work);
    CHECK(watched.sign().run == "run");
    CHECK(watched.sign().processes == 2);
    CHECK(watched.sign().finished == std::set<std::string>{"a"});
    auto const beat = watched.sign().beat;
    std::this_thread::sleep_for(2 * quick.gone);
    CHECK(watched.look() == State::at_work);
    CHECK(watched.sign().beat > beat);
    CHECK_NOTHROW(own.require_held());
    CHECK_THROWS_WITH(Heartbeat(path, 2, quick), ContainsSubstring("another process is writing"));
  }
  CHECK(watched.look() == State::absent);
  CHECK(std::filesystem::is_empty(folder.path()));
}

TEST_CASE("of another machine only a change shows that somebody is at work", "[unit]") {
  vcflash::test::TemporaryFolder const folder;
  auto const path = folder.write("sign", sign(1));
  Watched watched(path, quick);
  CHECK(watched.look() == State::unknown);
  folder.write("sign", sign(2));
  CHECK(watched.look() == State::at_work);
  folder.write("sign", sign(2, "q"));  // another process, of which nothing is known yet
  CHECK(watched.look() == State::unknown);
  std::this_thread::sleep_for(quick.gone);
  CHECK(watched.look() == State::gone);
  folder.write("sign", sign(3, "q"));  // it was only stopped
  CHECK(watched.look() == State::at_work);
  folder.write("sign", "");  // being claimed
  CHECK(watched.look() == State::unknown);
}

TEST_CASE("the place of one that is gone is taken, and of one that is at work is not", "[unit]") {
  vcflash::test::TemporaryFolder const folder;
  auto const path = folder.write("sign", sign(1));
  {
    Heartbeat own(path, 1, quick);
    own.begin("run");
    CHECK(detail::read_sign(path)->run == "run");
  }
  // a process of this machine is known to be dead without waiting
  Sign dead{.run = "r", .process = "p", .machine = detail::this_machine(), .pid = 1};
  dead.started = "never";
  folder.write("sign", detail::to_text(dead));
  Pace patient = quick;
  patient.gone = std::chrono::hours(1);
  CHECK_NOTHROW(Heartbeat(path, 1, patient));

  std::jthread const beating([&](std::stop_token const& stop) {
    for (std::uint64_t beat = 1; !stop.stop_requested(); ++beat) {
      folder.write("other.partial", sign(beat));
      std::filesystem::rename(folder / "other.partial", folder / "other");
      std::this_thread::sleep_for(quick.beat);
    }
  });
  while (!std::filesystem::exists(folder / "other")) std::this_thread::yield();
  CHECK_THROWS_WITH(Heartbeat(folder / "other", 1, patient),
                    ContainsSubstring("another process is writing"));
}

TEST_CASE("a process may say that it has ended", "[unit]") {
  vcflash::test::TemporaryFolder const folder;
  {
    Heartbeat own(folder / "sign", 1, quick);
    own.begin("run");
    own.end();
  }
  Watched watched(folder / "sign", quick);
  CHECK(watched.look() == State::gone);
  CHECK(watched.sign().run == "run");
  CHECK_NOTHROW(Heartbeat(folder / "sign", 1, quick));
}

TEST_CASE("a process whose place was taken notices", "[unit]") {
  vcflash::test::TemporaryFolder const folder;
  Heartbeat own(folder / "sign", 1, quick);
  own.begin("run");
  folder.write("partial", sign(1, "thief"));
  // until a beat does not go between the two
  for (int tries = 0; tries < 100; ++tries) {
    std::filesystem::copy_file(folder / "partial", folder / "copy");
    std::filesystem::rename(folder / "copy", folder / "sign");
    std::this_thread::sleep_for(3 * quick.beat);
    if (detail::read_sign(folder / "sign")->process == "thief") break;
  }
  CHECK_THROWS_WITH(own.require_held(), ContainsSubstring("has taken this one's place"));
}
