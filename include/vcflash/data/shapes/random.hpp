#pragma once

#include <cstdint>
#include <initializer_list>
#include <random>
#include <utility>
#include <vector>

namespace vcflash::data::shapes {

/// Random numbers that are the same with every standard library (the standard's distributions are
/// not): one stream per (seed, purpose, index), so that clips may be made in any order.
class Random {
 public:
  Random(std::uint64_t seed, std::uint64_t purpose, std::uint64_t index)
      : engine_(mix(mix(mix(seed) ^ purpose) ^ index)) {}

  /// A number in [low, high).
  double real(double low, double high) {
    return low + (high - low) * static_cast<double>(engine_() >> 11) * 0x1.0p-53;
  }

  /// A whole number in [0, count); `count` must be positive.
  std::int64_t below(std::int64_t count) {
    return static_cast<std::int64_t>(real(0.0, static_cast<double>(count)));
  }

  /// An index drawn in proportion to `weights`.
  std::size_t weighted(std::vector<double> const& weights) {
    double total = 0;
    for (double weight : weights) total += weight;
    double left = real(0.0, total);
    for (std::size_t i = 0; i < weights.size(); ++i) {
      if (left < weights[i]) return i;
      left -= weights[i];
    }
    return weights.size() - 1;
  }

  template <class T>
  void shuffle(std::vector<T>& values) {
    for (std::size_t i = values.size(); i > 1; --i)
      std::swap(values[i - 1],
                values[static_cast<std::size_t>(below(static_cast<std::int64_t>(i)))]);
  }

 private:
  static std::uint64_t mix(std::uint64_t z) {  // splitmix64's finaliser
    z += 0x9E3779B97F4A7C15U;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9U;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBU;
    return z ^ (z >> 31);
  }

  std::mt19937_64 engine_;
};

}  // namespace vcflash::data::shapes
