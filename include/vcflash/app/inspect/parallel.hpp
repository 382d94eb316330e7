#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <exception>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

namespace vcflash::app {

/// Calls `work(thread, first, last)` for every stretch of [0, count), by several threads; stretches
/// are handed out in order. The first exception ends the work and is thrown on. \param done called
/// with how many are done, by one thread at a time
template <class Work, class Done>
void in_parallel(std::int64_t count, int threads, std::int64_t stretch, Work&& work, Done&& done) {
  std::atomic<std::int64_t> next = 0, finished = 0;
  std::mutex guard;
  std::exception_ptr failure;
  auto const take = [&](int thread) {
    for (;;) {
      std::int64_t const first = next.fetch_add(stretch);
      if (first >= count) return;
      std::int64_t const last = std::min(first + stretch, count);
      try {
        work(thread, first, last);
      } catch (...) {
        std::scoped_lock const lock(guard);
        if (!failure) failure = std::current_exception();
        next = count;
      }
      finished += last - first;
      std::scoped_lock const lock(guard);
      done(finished.load());
    }
  };
  {
    std::vector<std::jthread> others;
    for (int thread = 1; thread < threads; ++thread)
      others.emplace_back([&, thread] { take(thread); });
    take(0);
  }
  if (failure) std::rethrow_exception(failure);
}

/// As many as the machine runs at once.
inline int all_threads() {
  return static_cast<int>(std::max(1U, std::thread::hardware_concurrency()));
}

}  // namespace vcflash::app
