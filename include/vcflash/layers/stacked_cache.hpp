#pragma once

#include <vcflash/layers/key_value_cache.hpp>

#include <ATen/ops/zeros.h>

#include <cstdint>
#include <span>
#include <utility>
#include <vector>

/// Caches of several sequences that are put together from others. All layers of a cache hold the
/// same tokens here.
namespace vcflash {

/// Consecutive tokens of one sequence of a cache.
template <class Cache>
struct CacheStretch {
  Cache const* cache = nullptr;
  std::int64_t row = 0;
  std::int64_t first = 0, tokens = 0;
};

/// A cache of zeros.  \param like a cache that is not empty, whose shapes and type it has
template <std::int64_t Layers>
KeyValueCache<Layers> blank_cache(KeyValueCache<Layers> const& like, std::int64_t rows,
                                  std::int64_t tokens) {
  KeyValueCache<Layers> blank;
  for (std::int64_t layer = 0; layer < Layers; ++layer) {
    Tensor const keys = like.of(layer).first;
    Tensor const zeros =
        at::zeros({1, 1, 1, 1}, keys.options()).expand({rows, keys.size(1), tokens, keys.size(3)});
    blank.append(layer, zeros, zeros);
  }
  return blank;
}

/// Overwrites tokens of `to`, from the `first` of a row on.
template <std::int64_t Layers>
void copy_stretch(CacheStretch<KeyValueCache<Layers>> const& from, KeyValueCache<Layers>& to,
                  std::int64_t row, std::int64_t first) {
  auto const copy = [&](Tensor const& source, Tensor const& target) {
    target.select(0, row)
        .narrow(1, first, from.tokens)
        .copy_(source.select(0, from.row).narrow(1, from.first, from.tokens));
  };
  for (std::int64_t layer = 0; layer < Layers; ++layer) {
    auto const source = from.cache->of(layer), target = to.of(layer);
    copy(source.first, target.first);
    copy(source.second, target.second);
  }
}

/// A cache of several sequences that end together, padded to the left.
/// \param stretches one a sequence  \param tokens of each, the padding included
template <std::int64_t Layers>
KeyValueCache<Layers> stacked(std::vector<CacheStretch<KeyValueCache<Layers>>> const& stretches,
                              std::int64_t tokens) {
  auto cache = blank_cache(*stretches.front().cache, std::ssize(stretches), tokens);
  std::vector<std::int64_t> padding;
  for (auto const& stretch : stretches) {
    padding.push_back(tokens - stretch.tokens);
    copy_stretch(stretch, cache, std::ssize(padding) - 1, padding.back());
  }
  cache.pad_left(std::move(padding));
  return cache;
}

}  // namespace vcflash
