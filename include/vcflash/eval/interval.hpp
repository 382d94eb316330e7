#pragma once

#include <nlohmann/json.hpp>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>

namespace vcflash::eval {

/// A mean and the interval that holds the true one in 95 of 100 repeats.
struct Interval {
  double mean = 0;
  std::int64_t clusters = 0;
  std::optional<double> half{};  ///< half the interval's width; none for a single cluster
};

/// The mean of values and its 95 % interval, by the normal approximation with the variance of
/// cluster sums (Liang & Zeger 1986, times G/(G-1) for G clusters): values of one cluster, the
/// questions about one video, tell less than as many apart.
/// \param clusters one name a value
inline Interval clustered_interval(std::span<double const> values,
                                   std::span<std::string const> clusters) {
  Interval interval;
  if (values.empty()) return interval;
  auto const count = static_cast<double>(values.size());
  for (double const value : values) interval.mean += value / count;
  std::map<std::string, double> sums;
  for (std::size_t i = 0; i < values.size(); ++i) {
    sums[clusters[i]] += values[i] - interval.mean;
  }
  interval.clusters = static_cast<std::int64_t>(sums.size());
  if (sums.size() < 2) return interval;
  double squares = 0;
  for (auto const& [cluster, sum] : sums) squares += sum * sum;
  auto const groups = static_cast<double>(sums.size());
  constexpr double normal_quantile = 1.959963984540054;
  interval.half = normal_quantile * std::sqrt(squares * groups / (groups - 1)) / count;
  return interval;
}

inline nlohmann::ordered_json to_json(Interval const& interval) {
  nlohmann::ordered_json json{{"mean", interval.mean}, {"clusters", interval.clusters}};
  if (interval.half) {
    json["low"] = interval.mean - *interval.half;
    json["high"] = interval.mean + *interval.half;
    json["confidence"] = 0.95;
  }
  return json;
}

}  // namespace vcflash::eval
