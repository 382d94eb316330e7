#pragma once

#include <numeric>

#include <vcflash/train/learner.hpp>

namespace vcflash::train::detail {

VCFLASH_INLINE std::vector<BatchPart> parts_of(std::span<Sample const> batch,
                                               std::span<std::int64_t const> labels,
                                               std::size_t most) {
  auto const count = [](auto counts) {
    return std::accumulate(counts.begin(), counts.end(), std::int64_t{0});
  };
  auto const all = static_cast<double>(count(labels));
  std::vector<BatchPart> parts;
  for (std::size_t i = 0, begin = 0; i < most && begin < batch.size(); ++i) {
    auto const size = (batch.size() - begin + most - i - 1) / (most - i);
    auto const own = static_cast<double>(count(labels.subspan(begin, size)));
    if (own > 0) parts.push_back({batch.subspan(begin, size), own / all});
    begin += size;
  }
  return parts;
}

}  // namespace vcflash::train::detail
