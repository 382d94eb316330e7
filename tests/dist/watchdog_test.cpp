#include <vcflash/dist/watchdog.hpp>

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>
#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>

using namespace vcflash::dist;
using namespace std::chrono_literals;
using Catch::Matchers::ContainsSubstring;

namespace {

/// Watchdogs of several ranks in one process.
class Ranks {
 public:
  Ranks(std::int64_t count, std::chrono::milliseconds timeout, std::int64_t absent = -1) {
    auto const post = WatchPost::open();
    for (std::int64_t rank = 0; rank < count; ++rank) {
      if (rank == absent) continue;
      auto own = rank == 0 ? post : WatchPost::read(post.text(), "127.0.0.1");
      dogs_[rank] = std::make_unique<Watchdog>(rank, count, timeout, own,
                                               [this, rank](std::string const& sentence) {
                                                 std::scoped_lock const lock(guard_);
                                                 sentences_[rank] = sentence;
                                                 told_.notify_all();
                                               });
      dogs_[rank]->at_step(7);
    }
  }

  Watchdog& operator[](std::int64_t rank) { return *dogs_.at(rank); }
  void end(std::int64_t rank) { dogs_.erase(rank); }

  /// What a rank says, or nothing if it says nothing for so long.
  std::string sentence_of(std::int64_t rank, std::chrono::milliseconds longest) {
    std::unique_lock lock(guard_);
    told_.wait_for(lock, longest, [&] { return sentences_.contains(rank); });
    return sentences_[rank];
  }

 private:
  std::mutex guard_;
  std::condition_variable told_;
  std::map<std::int64_t, std::string> sentences_;
  std::map<std::int64_t, std::unique_ptr<Watchdog>> dogs_;  // the last: they use the others
};

}  // namespace

TEST_CASE("a rank that ends is named by all others at once, with the step", "[unit]") {
  Ranks ranks(3, 20s);
  std::this_thread::sleep_for(300ms);
  ranks.end(2);
  for (std::int64_t const rank : {0, 1}) {
    auto const sentence = ranks.sentence_of(rank, 5s);
    CHECK_THAT(sentence, ContainsSubstring("rank 2 of 3 has ended, in step 7"));
  }
}

TEST_CASE("the first rank's end is named by the others", "[unit]") {
  Ranks ranks(3, 20s);
  std::this_thread::sleep_for(300ms);
  ranks.end(0);
  for (std::int64_t const rank : {1, 2}) {
    CHECK_THAT(ranks.sentence_of(rank, 5s), ContainsSubstring("rank 0 of 3 has ended"));
  }
}

TEST_CASE("a rank of which nothing is heard is named within the time-out", "[unit]") {
  Ranks ranks(3, 1s, 1);
  for (std::int64_t const rank : {0, 2}) {
    CHECK_THAT(ranks.sentence_of(rank, 1s), ContainsSubstring("rank 1 of 3 gives no sign of life"));
  }
}

TEST_CASE("a rank that does not come to where the others wait is named", "[unit]") {
  Ranks ranks(3, 1s);
  for (std::int64_t const rank : {0, 1, 2}) ranks[rank].begin();
  ranks[0].wait_begins(ranks[0].begin());
  ranks[2].wait_begins(ranks[2].begin());
  for (std::int64_t const rank : {0, 2}) {
    CHECK_THAT(ranks.sentence_of(rank, 2s), ContainsSubstring("rank 1 of 3 does not come"));
  }
}

TEST_CASE("ranks that work or say goodbye are not missed", "[unit]") {
  Ranks ranks(3, 500ms);
  for (int i = 0; i < 8; ++i) {
    for (std::int64_t const rank : {0, 1, 2}) {
      ranks[rank].wait_begins(ranks[rank].begin());
      ranks[rank].wait_ends();
    }
    std::this_thread::sleep_for(100ms);
  }
  for (std::int64_t const rank : {0, 1, 2}) ranks[rank].leave();
  for (std::int64_t const rank : {1, 0, 2}) {
    ranks.end(rank);
    std::this_thread::sleep_for(100ms);
  }
  for (std::int64_t const rank : {0, 1, 2}) CHECK(ranks.sentence_of(rank, 0ms).empty());
}

TEST_CASE("a stranger at the watchdogs' port changes nothing", "[unit]") {
  auto const post = WatchPost::open();
  std::atomic<bool> lost = false;
  auto const note = [&](std::string const&) { lost = true; };
  Watchdog first(0, 2, 2s, post, note);
  Watchdog second(1, 2, 2s, WatchPost::read(post.text(), "127.0.0.1"), note);
  int const stranger = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(post.port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  REQUIRE(::connect(stranger, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
  std::string const noise(1000, 'x');
  REQUIRE(::send(stranger, noise.data(), noise.size(), MSG_NOSIGNAL) == 1000);
  std::this_thread::sleep_for(500ms);
  // It was shown the door.
  char byte = 0;
  CHECK(::recv(stranger, &byte, 1, MSG_DONTWAIT) <= 0);
  CHECK(::send(stranger, noise.data(), noise.size(), MSG_NOSIGNAL | MSG_DONTWAIT) <= 1000);
  ::close(stranger);
  CHECK_FALSE(lost);
  first.leave();
  second.leave();
}

TEST_CASE("a stranger that sends without end is shown the door at its first word", "[unit]") {
  auto const post = WatchPost::open();
  std::atomic<bool> lost = false;
  Watchdog first(0, 2, 5s, post, [&](std::string const&) { lost = true; });
  int const stranger = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(post.port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  REQUIRE(::connect(stranger, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
  std::string const noise(1 << 20, 'x');
  std::int64_t sent = 0;
  for (ssize_t now = 1; now > 0 && sent < (std::int64_t{1} << 30); sent += now) {
    now = ::send(stranger, noise.data(), noise.size(), MSG_NOSIGNAL);
  }
  // What the two sockets hold by themselves, and no more.
  CHECK(sent < (std::int64_t{64} << 20));
  ::close(stranger);
  CHECK_FALSE(lost);
  first.leave();
}

TEST_CASE("where the watchdogs meet is told as text", "[unit]") {
  auto const post = WatchPost::open();
  auto const read = WatchPost::read(post.text(), "there");
  CHECK(read.port == post.port);
  CHECK(read.token == post.token);
  CHECK(read.address == "there");
  CHECK_THROWS(WatchPost::read("nonsense", "there"));
  ::close(post.listener);
}
