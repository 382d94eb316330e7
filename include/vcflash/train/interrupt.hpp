#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <csignal>
#include <cstddef>

namespace vcflash::train {

/// While it exists, the signals by which schedulers and people end a process ask for an end
/// instead: SIGTERM, SIGINT, SIGHUP, SIGUSR1 and SIGUSR2. A second SIGINT ends it at once. What was
/// ignored before (`nohup`, a shell's background job) stays ignored.
class InterruptGuard {
 public:
  InterruptGuard() {
    asked_at_ = 0;
    for (std::size_t i = 0; i < signals.size(); ++i) {
      before_[i] = std::signal(signals[i], &InterruptGuard::note);
      bool const may_be_ignored = signals[i] == SIGHUP || signals[i] == SIGINT;
      if (before_[i] == SIG_IGN && may_be_ignored) std::signal(signals[i], SIG_IGN);
    }
  }
  InterruptGuard(InterruptGuard const&) = delete;
  InterruptGuard& operator=(InterruptGuard const&) = delete;
  ~InterruptGuard() {
    for (std::size_t i = 0; i < signals.size(); ++i) std::signal(signals[i], before_[i]);
  }

  /// Whether an end was asked for.
  bool asked() const { return asked_at_ != 0; }

  /// Seconds since the first signal; 0 without one.
  double seconds_since_asked() const {
    Clock::rep const at = asked_at_;
    if (at == 0) return 0;
    return std::chrono::duration<double>(Clock::now() - Clock::time_point(Clock::duration(at)))
        .count();
  }

 private:
  using Clock = std::chrono::steady_clock;
  static constexpr std::array signals{SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGUSR2};

  static void note(int signal) {
    Clock::rep never = 0;
    asked_at_.compare_exchange_strong(never, Clock::now().time_since_epoch().count());
    if (signal == SIGINT) std::signal(SIGINT, SIG_DFL);
  }

  static inline std::atomic<Clock::rep> asked_at_ = 0;
  static_assert(std::atomic<Clock::rep>::is_always_lock_free);
  std::array<void (*)(int), signals.size()> before_{};
};

}  // namespace vcflash::train
