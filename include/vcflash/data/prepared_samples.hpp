#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include <vcflash/data/bad_samples.hpp>
#include <vcflash/models/sample.hpp>

namespace vcflash::data {

/// A sample that is being made, or is ready.
struct PreparedSample {
  Sample sample;
  std::vector<BadSample> bad;  ///< rows that could not be used for it
  std::exception_ptr failure;  ///< why there is no sample
  std::string reading;         ///< the medium that is being read
  bool ready = false;
};

/// Samples by their number, which threads make and one thread takes.
class PreparedSamples {
 public:
  void clear() {
    std::scoped_lock const lock(guard_);
    samples_.clear();
  }

  /// Changes what is known of a sample and tells who waits for it.
  template <class Change>
  void change(std::int64_t number, Change&& change) {
    {
      std::scoped_lock const lock(guard_);
      change(samples_[number]);
    }
    done_.notify_all();
  }

  /// Waits for a sample. What is bad is told as it is found out, so that a long row of failures
  /// does not look like a hang. \param notice after so long, and twice as long, … `on_wait` is told
  /// what is being read
  template <class Tell>
  PreparedSample take(std::int64_t number, std::chrono::milliseconds notice, Tell&& tell,
                      std::function<void(std::string const&)> const& on_wait) {
    auto const begun = std::chrono::steady_clock::now();
    std::unique_lock lock(guard_);
    for (std::size_t told = 0;;) {
      PreparedSample& sample = samples_[number];
      bool const news = done_.wait_until(lock, begun + notice,
                                         [&] { return sample.ready || sample.bad.size() > told; });
      if (sample.ready && sample.bad.size() == told)
        return std::move(samples_.extract(number).mapped());
      std::vector<BadSample> const bad(sample.bad.begin() + std::ptrdiff_t(told), sample.bad.end());
      std::string const reading = sample.reading;
      lock.unlock();
      for (BadSample const& one : bad) tell(one);
      told += bad.size();
      if (!news) {
        if (on_wait)
          on_wait(fmt::format("waiting for a sample since {:.0f} s; {} is being read",
                              std::chrono::duration<double>(notice).count(),
                              reading.empty() ? "no file" : reading));
        notice *= 2;
      }
      lock.lock();
    }
  }

 private:
  std::mutex guard_;
  std::condition_variable done_;
  std::map<std::int64_t, PreparedSample> samples_;
};

}  // namespace vcflash::data
