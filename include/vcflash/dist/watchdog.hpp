#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include <vcflash/meta/separate.hpp>

namespace vcflash::dist {

/// Where the watchdogs of all ranks meet: at a port of rank 0's. Strangers do not know the token.
struct WatchPost {
  std::string address;
  std::uint16_t port = 0;
  std::uint64_t token = 0;
  int listener = -1;  ///< rank 0's socket

  /// Opens one in this process. \throws Error if it cannot
  static WatchPost open();

  /// What other ranks are to be told, and what they read it as.
  std::string text() const;
  static WatchPost read(std::string_view text, std::string address);
};

/// Notices when another rank dies, is stopped or does not come to where the others wait, and names
/// it. A thread of every rank says each second that it lives, how far its rank is and what it waits
/// for: to rank 0, which compares, tells all who is missing, and is watched by all in turn. Nothing
/// here waits for the collectives' own connections, which a stopped rank blocks.
class Watchdog {
 public:
  /// Is told in one sentence who is missing, by the watchdog's thread, once; is not to return to a
  /// run that could go on.
  using OnLost = std::function<void(std::string const&)>;

  /// \param timeout after which whoever is missing is named, at the latest
  Watchdog(std::int64_t rank, std::int64_t processes, std::chrono::milliseconds timeout,
           WatchPost post, OnLost on_lost);

  /// Leaves without a word, which the others take for a death, unless `leave` came before.
  ~Watchdog();
  Watchdog(Watchdog const&) = delete;
  Watchdog& operator=(Watchdog const&) = delete;

  /// Says goodbye: that this rank is gone from now on is as it should be.
  void leave();

  /// What the run is at, for the sentence.
  void at_step(std::int64_t step) { step_ = step; }
  std::int64_t step() const { return step_; }

  /// Counts a collective that this rank began. \return its number
  std::int64_t begin() { return ++begun_; }

  /// Around a wait for the collective of that number.
  void wait_begins(std::int64_t number);
  void wait_ends() { waiting_for_ = 0; }

 private:
  using Clock = std::chrono::steady_clock;

  enum class Kind : std::int64_t { alive, goodbye, lost };
  enum class How : std::int64_t { ended, silent, behind };

  /// What ranks send each other, in the machine's own byte order: the machines of a run are alike.
  struct Word {
    std::uint64_t token;
    std::int64_t rank;  ///< the sender's, or the lost one's
    Kind kind;
    How how;
    std::int64_t begun, waiting_for, waiting_ms;
  };

  struct Peer {
    int socket = -1;
    Clock::time_point heard;
    std::string received{};
    Word last{};
    bool known = false, gone = false;
  };

  void work();
  void watch_as_first();
  void watch_the_first();
  void accept_one(std::vector<Peer>& strangers) const;
  /// \return false if the other side closed the connection
  bool receive(Peer& peer, std::vector<Word>& words) const;
  void send(Peer const& peer, Word const& word) const;
  Word own_word(Kind kind) const;
  void pause(std::vector<int> const& sockets) const;
  void lose(std::int64_t rank, How how);
  bool waited_too_long();

  std::int64_t rank_, processes_;
  std::chrono::milliseconds timeout_, period_;
  WatchPost post_;
  OnLost on_lost_;
  std::atomic<std::int64_t> step_ = 0, begun_ = 0, waiting_for_ = 0, waiting_since_ = 0;
  std::atomic<bool> stopping_ = false, goodbye_ = false;
  int wake_ = -1;
  std::thread thread_;
};

}  // namespace vcflash::dist

#ifndef VCFLASH_SEPARATE
#include <vcflash/dist/watchdog.ipp>
#endif
