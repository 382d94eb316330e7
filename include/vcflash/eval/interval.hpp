#pragma once

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>

namespace vcflash::eval {

/// The fewest clusters that an interval is told of: of fewer it would say more than is known.
inline constexpr std::int64_t least_clusters = 10;

/// A mean and the interval that holds the true one in 95 of 100 repeats.
struct Interval {
  double mean = 0;
  std::int64_t clusters = 0;
  std::optional<double> half{};  ///< half the interval's width; none for less than 10 clusters

  /// The interval within what a mean can be.
  double low(double lowest) const { return std::max(lowest, mean - half.value_or(0)); }
  double high(double highest) const { return std::min(highest, mean + half.value_or(0)); }
};

/// Where 97.5 % of Student's t distribution lie below, by Fisher and Cornish's expansion about the
/// normal quantile: right to 4 digits from 9 degrees of freedom on.
inline double t_quantile(double degrees) {
  constexpr double z = 1.959963984540054, z2 = z * z;
  double const n = 4 * degrees;
  double const first = z * (z2 + 1);
  double const second = z * ((5 * z2 + 16) * z2 + 3) / 6;
  double const third = z * (((3 * z2 + 19) * z2 + 17) * z2 - 15) / 6;
  double const fourth = z * ((((79 * z2 + 776) * z2 + 1482) * z2 - 1920) * z2 - 945) / 360;
  return z + (first + (second + (third + fourth / n) / n) / n) / n;
}

/// The mean of values and its 95 % interval, by Student's t with one degree of freedom less than
/// there are clusters and the variance of cluster sums (Liang & Zeger 1986, times G/(G-1) for G
/// clusters): values of one cluster, the questions about one video, tell less than as many apart.
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
  if (interval.clusters < least_clusters) return interval;
  double squares = 0;
  for (auto const& [cluster, sum] : sums) squares += sum * sum;
  auto const groups = static_cast<double>(sums.size());
  interval.half = t_quantile(groups - 1) * std::sqrt(squares * groups / (groups - 1)) / count;
  return interval;
}

/// \param lowest, highest what the mean can be
inline nlohmann::ordered_json to_json(Interval const& interval, double lowest = 0,
                                      double highest = 1) {
  nlohmann::ordered_json json{{"mean", interval.mean}, {"clusters", interval.clusters}};
  if (interval.half) {
    json["low"] = interval.low(lowest);
    json["high"] = interval.high(highest);
    json["confidence"] = 0.95;
  }
  return json;
}

}  // namespace vcflash::eval
