#pragma once

#include <atomic>
#include <csignal>

namespace vcflash::app {

/// While it exists, Ctrl-C (SIGINT) asks for an end of what is being answered instead of ending the
/// process; a second one ends it. One exists at a time.
class StopAnswer {
 public:
  StopAnswer() {
    asked_ = false;
    before_ = std::signal(SIGINT, &StopAnswer::note);
  }
  StopAnswer(StopAnswer const&) = delete;
  StopAnswer& operator=(StopAnswer const&) = delete;
  ~StopAnswer() { std::signal(SIGINT, before_); }

  /// Whether an end was asked for.
  bool asked() const { return asked_; }

 private:
  static void note(int) {
    asked_ = true;
    std::signal(SIGINT, SIG_DFL);
  }

  static inline std::atomic<bool> asked_ = false;
  static_assert(std::atomic<bool>::is_always_lock_free);
  void (*before_)(int);
};

}  // namespace vcflash::app
