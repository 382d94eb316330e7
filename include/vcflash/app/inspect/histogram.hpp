#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <limits>

#include <nlohmann/json.hpp>

namespace vcflash::app {

/// Counts of non-negative numbers, in bins that each reach twice as far as the one before:
/// 0, 1, 2 to 3, 4 to 7, …
class Histogram {
 public:
  static constexpr std::size_t bins = 41;

  void add(std::int64_t value) {
    value = std::max<std::int64_t>(value, 0);
    ++counts_[bin_of(value)];
    ++count_;
    sum_ += value;
    least_ = std::min(least_, value);
    most_ = std::max(most_, value);
  }

  void merge(Histogram const& other) {
    for (std::size_t i = 0; i < bins; ++i) counts_[i] += other.counts_[i];
    count_ += other.count_;
    sum_ += other.sum_;
    least_ = std::min(least_, other.least_);
    most_ = std::max(most_, other.most_);
  }

  std::int64_t count() const { return count_; }
  std::int64_t sum() const { return sum_; }
  std::int64_t least() const { return count_ > 0 ? least_ : 0; }
  std::int64_t most() const { return most_; }
  double mean() const {
    return count_ > 0 ? static_cast<double>(sum_) / static_cast<double>(count_) : 0;
  }
  std::int64_t of_bin(std::size_t bin) const { return counts_[bin]; }

  /// The numbers that a bin holds: from, and the last.
  static std::int64_t first_of(std::size_t bin) {
    return bin == 0 ? 0 : std::int64_t{1} << (bin - 1);
  }
  static std::int64_t last_of(std::size_t bin) { return first_of(bin + 1) - 1; }

  nlohmann::ordered_json to_json() const {
    auto list = nlohmann::ordered_json::array();
    for (std::size_t i = 0; i < bins; ++i)
      if (counts_[i] > 0)
        list.push_back({{"from", first_of(i)}, {"to", last_of(i)}, {"count", counts_[i]}});
    return {{"count", count_},  {"sum", sum_},   {"mean", mean()},
            {"least", least()}, {"most", most_}, {"bins", std::move(list)}};
  }

 private:
  static std::size_t bin_of(std::int64_t value) {
    return std::min(static_cast<std::size_t>(std::bit_width(static_cast<std::uint64_t>(value))),
                    bins - 1);
  }

  std::array<std::int64_t, bins> counts_{};
  std::int64_t count_ = 0, sum_ = 0, most_ = 0;
  std::int64_t least_ = std::numeric_limits<std::int64_t>::max();
};

}  // namespace vcflash::app
