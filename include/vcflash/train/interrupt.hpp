#pragma once

#include <atomic>
#include <csignal>

namespace vcflash::train {

/// While it exists, SIGTERM and SIGINT ask for an end instead of ending the process. A second
/// SIGINT ends it at once.
class InterruptGuard {
 public:
  InterruptGuard()
      : term_(std::signal(SIGTERM, &InterruptGuard::note)),
        interrupt_(std::signal(SIGINT, &InterruptGuard::note)) {
    asked_ = 0;
  }
  InterruptGuard(InterruptGuard const&) = delete;
  InterruptGuard& operator=(InterruptGuard const&) = delete;
  ~InterruptGuard() {
    std::signal(SIGTERM, term_);
    std::signal(SIGINT, interrupt_);
  }

  /// Whether an end was asked for.
  bool asked() const { return asked_ != 0; }

 private:
  static void note(int signal) {
    asked_ = 1;
    if (signal == SIGINT) std::signal(SIGINT, SIG_DFL);
  }

  static inline std::atomic<int> asked_ = 0;
  static_assert(std::atomic<int>::is_always_lock_free);
  void (*term_)(int);
  void (*interrupt_)(int);
};

}  // namespace vcflash::train
