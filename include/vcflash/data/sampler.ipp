#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdlib>
#include <functional>
#include <limits>
#include <numeric>

#include <range/v3/algorithm/stable_sort.hpp>
#include <range/v3/range/conversion.hpp>
#include <range/v3/view/chunk.hpp>
#include <range/v3/view/concat.hpp>
#include <range/v3/view/filter.hpp>
#include <range/v3/view/iota.hpp>
#include <range/v3/view/join.hpp>
#include <range/v3/view/transform.hpp>

#include <vcflash/data/sampler.hpp>

namespace vcflash::data {

namespace detail {

namespace views = ranges::views;
using Rows = std::vector<std::int64_t>;

inline std::size_t at(std::int64_t index) { return static_cast<std::size_t>(index); }

/// Numbers from 0 on.
inline auto up_to(std::size_t count) {
  return views::iota(std::int64_t{0}, static_cast<std::int64_t>(count));
}

/// One after the other.
inline Rows joined(std::vector<Rows> const& parts) {
  return parts | views::join | ranges::to<Rows>;
}

/// `rows` in parts of `size`, the last as long as what is left.
inline std::vector<Rows> parts_of(Rows const& rows, std::size_t size) {
  return rows | views::chunk(size) |
         views::transform([](auto part) { return part | ranges::to<Rows>; }) |
         ranges::to<std::vector>;
}

/// All of `batches`, in a random order.
inline Rows shuffled(std::vector<Rows> const& batches, TorchRandom& random) {
  auto const order = random.permutation(std::ssize(batches));
  return order | views::transform([&](std::int64_t i) -> Rows const& { return batches[at(i)]; }) |
         views::join | ranges::to<Rows>;
}

/// Sorts by `keys`, largest first; equal ones keep their order, as Python's sort does.
inline void sort_down(Rows& rows, std::span<std::int64_t const> keys) {
  ranges::stable_sort(rows, std::greater{}, [&](std::int64_t row) { return keys[at(row)]; });
}

/// A mega-batch, dealt evenly to `world` micro batches that follow each other.
inline Rows dealt(Rows part, std::span<std::int64_t const> lengths, std::int64_t world) {
  sort_down(part, lengths);
  return joined(split_to_even_chunks(part, lengths, world));
}

/// The mega-batches of rows with media (lengths > 0) and without (< 0), kept apart.
struct ModalityBatches {
  std::vector<Rows> full;
  Rows last;  ///< rows of the last one of either kind, media first
};

/// \param group orders one kind's rows: indices of the lengths it is given
template <class Group>
ModalityBatches modality_batches(std::span<std::int64_t const> lengths, std::size_t mega,
                                 Group&& group) {
  ModalityBatches batches;
  for (bool const text : {false, true}) {
    auto const rows = up_to(lengths.size()) |
                      views::filter([&](auto row) { return (lengths[at(row)] < 0) == text; }) |
                      ranges::to<Rows>;
    auto const sizes = rows |
                       views::transform([&](auto row) { return std::abs(lengths[at(row)]); }) |
                       ranges::to<Rows>;
    Rows const order = group(std::span<std::int64_t const>(sizes));
    auto parts = parts_of(
        order | views::transform([&](auto i) { return rows[at(i)]; }) | ranges::to<Rows>, mega);
    if (parts.empty()) continue;
    batches.last.insert(batches.last.end(), parts.back().begin(), parts.back().end());
    parts.pop_back();
    batches.full.insert(batches.full.end(), parts.begin(), parts.end());
  }
  return batches;
}

inline bool one_modality(std::span<std::int64_t const> lengths) {
  auto const text = [](std::int64_t length) { return length < 0; };
  return std::ranges::all_of(lengths, text) || std::ranges::none_of(lengths, text);
}

}  // namespace detail

VCFLASH_INLINE std::vector<std::vector<std::int64_t>> split_to_even_chunks(
    std::span<std::int64_t const> indices, std::span<std::int64_t const> lengths,
    std::int64_t chunks) {
  auto const count = static_cast<std::size_t>(chunks);
  std::vector<std::vector<std::int64_t>> out(count);
  if (indices.size() % count != 0) {
    for (std::size_t i = 0; i < indices.size(); ++i) out[i % count].push_back(indices[i]);
    return out;
  }
  constexpr std::int64_t full = std::numeric_limits<std::int64_t>::max();
  std::vector<std::int64_t> sums(count, 0);
  for (std::int64_t const index : indices) {
    auto const shortest =
        static_cast<std::size_t>(std::min_element(sums.begin(), sums.end()) - sums.begin());
    out[shortest].push_back(index);
    sums[shortest] += lengths[static_cast<std::size_t>(index)];
    if (out[shortest].size() == indices.size() / count) sums[shortest] = full;
  }
  return out;
}

VCFLASH_INLINE std::vector<std::int64_t> length_grouped(std::span<std::int64_t const> lengths,
                                                        std::int64_t batch, std::int64_t world,
                                                        TorchRandom& random) {
  auto const rows = random.permutation(std::ssize(lengths));
  auto parts = detail::parts_of(rows, detail::at(batch * world));
  for (auto& part : parts) part = detail::dealt(std::move(part), lengths, world);
  return detail::joined(parts);
}

VCFLASH_INLINE std::vector<std::int64_t> modality_length_grouped(
    std::span<std::int64_t const> lengths, std::int64_t batch, std::int64_t world,
    TorchRandom& inner, TorchRandom& outer) {
  if (detail::one_modality(lengths)) return length_grouped(lengths, batch, world, outer);
  auto batches = detail::modality_batches(lengths, detail::at(batch * world),
                                          [&](std::span<std::int64_t const> sizes) {
                                            return length_grouped(sizes, batch, world, inner);
                                          });
  std::ranges::sort(batches.last);
  auto const full = detail::shuffled(batches.full, outer);
  return detail::views::concat(full, batches.last) | ranges::to<detail::Rows>;
}

VCFLASH_INLINE std::vector<std::int64_t> variable_length_grouped(
    std::span<std::int64_t const> lengths, std::int64_t batch, std::int64_t world,
    TorchRandom& random) {
  auto const keys = random.permutation(std::ssize(lengths));
  auto sorted = detail::up_to(lengths.size()) | ranges::to<detail::Rows>;
  detail::sort_down(sorted, lengths);
  auto const mega = detail::at(batch * world);
  auto parts = detail::parts_of(sorted, mega * 8);
  for (auto& part : parts) detail::sort_down(part, keys);
  return detail::shuffled(detail::parts_of(detail::joined(parts), mega), random);
}

VCFLASH_INLINE std::vector<std::int64_t> length_grouped_auto(std::span<std::int64_t const> lengths,
                                                             std::int64_t batch, std::int64_t world,
                                                             TorchRandom& random) {
  auto const mega = detail::at(batch * world);
  auto const rows = random.permutation(std::ssize(lengths));
  auto parts =
      detail::parts_of(rows, mega * std::clamp<std::size_t>(lengths.size() / (mega * 4), 1, 50));
  for (auto& part : parts) detail::sort_down(part, lengths);
  auto const longest = std::ranges::max_element(
      parts, {}, [&](auto const& part) { return lengths[detail::at(part.front())]; });
  if (longest != parts.end()) std::swap(parts.front().front(), longest->front());

  auto batches = detail::parts_of(detail::joined(parts), mega);
  for (auto& part : batches) part = detail::dealt(std::move(part), lengths, world);
  return detail::shuffled(batches, random);
}

VCFLASH_INLINE std::vector<std::int64_t> modality_length_grouped_auto(
    std::span<std::int64_t const> lengths, std::int64_t batch, std::int64_t world,
    TorchRandom& inner, TorchRandom& outer) {
  if (detail::one_modality(lengths)) return length_grouped_auto(lengths, batch, world, outer);
  auto const batches = detail::modality_batches(
      lengths, detail::at(batch * world), [&](std::span<std::int64_t const> sizes) {
        return length_grouped_auto(sizes, batch, world, inner);
      });
  return detail::shuffled(batches.full, outer);
}

VCFLASH_INLINE std::vector<std::int64_t> epoch_order(Order order, std::vector<std::int64_t> lengths,
                                                     std::span<std::int64_t const> set_sizes,
                                                     std::int64_t batch, std::int64_t world,
                                                     std::uint64_t seed, std::int64_t epoch,
                                                     std::int64_t accumulation) {
  TorchRandom random(seed + static_cast<std::uint64_t>(epoch));
  if (by_modality(order))
    for (std::int64_t& length : lengths) length = length == 0 ? -1 : length;
  switch (order) {
    case Order::grouped:
      return modality_length_grouped(lengths, batch, world, random, random);
    case Order::grouped_auto:
      return modality_length_grouped_auto(lengths, batch, world, random, random);
    case Order::length:
      return length_grouped_auto(lengths, batch, world, random);
    case Order::variable_length:
      return variable_length_grouped(lengths, batch * accumulation, world, random);
    case Order::shuffled:
      return random_order(static_cast<std::int64_t>(lengths.size()), random);
    case Order::mixture:
      break;
  }
  std::vector<std::int64_t> out;
  for (std::int64_t const size : set_sizes) {
    auto const first = static_cast<std::int64_t>(out.size());
    for (std::int64_t const i : random.permutation(size)) out.push_back(first + i);
  }
  return out;
}

}  // namespace vcflash::data
