#pragma once

#include <vcflash/layers/key_value_cache.hpp>
#include <vcflash/tensor/aten.hpp>

#include <ATen/ops/tensor.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

/// Caches of several sequences that begin alike and go on differently. What each has of its own are
/// the last tokens of every layer; how many stand before them may differ from layer to layer.
namespace vcflash {

/// A cache of `rows` sequences, each of which holds what the only one of `cache` holds.
template <std::int64_t Layers>
KeyValueCache<Layers> repeated(KeyValueCache<Layers> const& cache, std::int64_t rows) {
  KeyValueCache<Layers> result;
  for (std::int64_t layer = 0; layer < Layers; ++layer) {
    if (cache.tokens(layer) == 0) continue;
    auto const [keys, values] = cache.of(layer);
    result.append(layer, keys.expand({rows, -1, -1, -1}), values.expand({rows, -1, -1, -1}));
  }
  result.remember_drops_of(cache);
  return result;
}

/// Puts a sequence of one cache in the place of one of another. Both have as much before their own
/// tokens. \param own tokens of `from` that are its sequences' own, of which the first `length` are
/// the sequence's; they become the last of the row
template <std::int64_t Layers>
void put_row(KeyValueCache<Layers> const& from, std::int64_t from_row, std::int64_t own,
             std::int64_t length, KeyValueCache<Layers>& to, std::int64_t to_row) {
  auto const put = [&](Tensor const& all_sources, Tensor const& all_targets) {
    Tensor const source = all_sources.select(0, from_row), target = all_targets.select(0, to_row);
    std::int64_t const before = source.size(1) - own;
    target.narrow(1, 0, before).copy_(source.narrow(1, 0, before));
    target.narrow(1, target.size(1) - length, length).copy_(source.narrow(1, before, length));
  };
  for (std::int64_t layer = 0; layer < Layers; ++layer) {
    auto const source = from.of(layer), target = to.of(layer);
    put(source.first, target.first);
    put(source.second, target.second);
  }
}

/// Turns padding to the right into padding to the left, so that all sequences end together.
/// \param lengths of each sequence's own tokens, which are the first of the last `own`
template <std::int64_t Layers>
void align_right(KeyValueCache<Layers>& cache, std::vector<std::int64_t> const& lengths,
                 std::int64_t own) {
  std::vector<std::int64_t> padding;
  for (std::int64_t const length : lengths) padding.push_back(own - length);
  if (std::ranges::all_of(padding, [](std::int64_t p) { return p == 0; })) return;
  auto const align = [&](Tensor const& all) {
    for (std::size_t row = 0; row < lengths.size(); ++row) {
      if (padding[row] == 0) continue;
      Tensor const tokens =
          all.select(0, static_cast<std::int64_t>(row)).narrow(1, all.size(2) - own, own);
      tokens.narrow(1, padding[row], lengths[row])
          .copy_(tokens.narrow(1, 0, lengths[row]).clone());  // the two may overlap
    }
  };
  for (std::int64_t layer = 0; layer < Layers; ++layer) {
    auto const [keys, values] = cache.of(layer);
    align(keys);
    align(values);
  }
  cache.pad_left(std::move(padding), own);
}

/// Some sequences of a cache, without the first `cut` of each one's last `own` tokens.
template <std::int64_t Layers>
KeyValueCache<Layers> some_rows(KeyValueCache<Layers> const& cache,
                                std::vector<std::int64_t> const& rows, std::int64_t own,
                                std::int64_t cut) {
  KeyValueCache<Layers> result;
  auto const chosen = [&](Tensor const& all) {
    Tensor const kept = all.index_select(0, at::tensor(rows, all.options().dtype(at::kLong)));
    std::int64_t const before = kept.size(2) - own;
    if (cut == 0) return kept;
    return aten::cat({kept.narrow(2, 0, before), kept.narrow(2, before + cut, own - cut)}, 2);
  };
  for (std::int64_t layer = 0; layer < Layers; ++layer) {
    auto const [keys, values] = cache.of(layer);
    result.append(layer, chosen(keys), chosen(values));
  }
  result.remember_drops_of(cache);
  return result;
}

}  // namespace vcflash
