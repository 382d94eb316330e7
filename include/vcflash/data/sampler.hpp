#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdlib>
#include <functional>
#include <limits>
#include <numeric>
#include <random>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

/// The order in which an epoch visits its rows, bit for bit as torch's CPU generator and upstream's
/// trainer choose it.
namespace vcflash::data {

/// torch's CPU generator: mt19937 seeded by the low 32 bits of its seed.
class TorchRandom {
 public:
  explicit TorchRandom(std::uint64_t seed) : engine_(static_cast<std::uint32_t>(seed)) {}

  std::uint32_t next() { return static_cast<std::uint32_t>(engine_()); }

  /// `torch.empty((), dtype=int64).random_()`.
  std::int64_t next_int64() {
    std::uint64_t const high = next();
    return static_cast<std::int64_t>(((high << 32) | next()) & 0x7FFFFFFFFFFFFFFFU);
  }

  /// `torch.randperm(count)`.
  std::vector<std::int64_t> permutation(std::int64_t count) {
    std::vector<std::int64_t> values(static_cast<std::size_t>(count));
    std::iota(values.begin(), values.end(), std::int64_t{0});
    for (std::size_t i = 0; i + 1 < values.size(); ++i)
      std::swap(values[i], values[i + next() % (values.size() - i)]);
    return values;
  }

 private:
  std::mt19937 engine_;
};

/// `RandomSampler`: the permutation of a fresh generator whose seed `random` gives.
inline std::vector<std::int64_t> random_order(std::int64_t count, TorchRandom& random) {
  return TorchRandom(static_cast<std::uint64_t>(random.next_int64())).permutation(count);
}

/// Deals `indices`, longest first, to `chunks` chunks of about equal length in all.
inline std::vector<std::vector<std::int64_t>> split_to_even_chunks(
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

namespace detail {

/// The mega-batches of rows with media (lengths > 0) and without (< 0), kept apart.
struct ModalityBatches {
  std::vector<std::vector<std::int64_t>> full;
  std::vector<std::int64_t> last;  ///< rows of the last one of either kind, media first
};

/// \param group orders one kind's rows: indices of the lengths it is given
template <class Group>
ModalityBatches modality_batches(std::span<std::int64_t const> lengths, std::size_t mega,
                                 Group&& group) {
  ModalityBatches batches;
  for (bool const text : {false, true}) {
    std::vector<std::int64_t> rows, sizes;
    for (std::size_t i = 0; i < lengths.size(); ++i) {
      if ((lengths[i] < 0) != text) continue;
      rows.push_back(static_cast<std::int64_t>(i));
      sizes.push_back(std::abs(lengths[i]));
    }
    auto const order = group(std::span<std::int64_t const>(sizes));
    for (std::size_t first = 0; first < order.size(); first += mega) {
      std::size_t const stop = std::min(first + mega, order.size());
      auto& target = stop < order.size() ? batches.full.emplace_back() : batches.last;
      for (std::size_t i = first; i < stop; ++i)
        target.push_back(rows[static_cast<std::size_t>(order[i])]);
    }
  }
  return batches;
}

inline bool one_modality(std::span<std::int64_t const> lengths) {
  auto const text = [](std::int64_t length) { return length < 0; };
  return std::ranges::all_of(lengths, text) || std::ranges::none_of(lengths, text);
}

/// All of `batches`, in a random order.
inline std::vector<std::int64_t> shuffled(std::span<std::vector<std::int64_t> const> batches,
                                          TorchRandom& random) {
  std::vector<std::int64_t> out;
  for (std::int64_t const i : random.permutation(static_cast<std::int64_t>(batches.size()))) {
    auto const& batch = batches[static_cast<std::size_t>(i)];
    out.insert(out.end(), batch.begin(), batch.end());
  }
  return out;
}

/// `indices` in parts of `size`, the last as long as what is left.
inline std::vector<std::vector<std::int64_t>> parts_of(std::span<std::int64_t const> indices,
                                                       std::size_t size) {
  std::vector<std::vector<std::int64_t>> parts;
  for (std::size_t first = 0; first < indices.size(); first += size) {
    auto const part = indices.subspan(first, std::min(size, indices.size() - first));
    parts.emplace_back(part.begin(), part.end());
  }
  return parts;
}

/// Sorts by `keys`, largest first; equal ones keep their order, as Python's sort does.
inline void sort_down(std::span<std::int64_t> indices, std::span<std::int64_t const> keys) {
  std::ranges::stable_sort(indices, std::ranges::greater{}, [&](std::int64_t index) {
    return keys[static_cast<std::size_t>(index)];
  });
}

}  // namespace detail

/// Rows in random order, but sorted by length within each mega-batch of `batch` x `world` and
/// dealt evenly: upstream's `get_length_grouped_indices`.
inline std::vector<std::int64_t> length_grouped(std::span<std::int64_t const> lengths,
                                                std::int64_t batch, std::int64_t world,
                                                TorchRandom& random) {
  auto const indices = random.permutation(static_cast<std::int64_t>(lengths.size()));
  std::vector<std::int64_t> out;
  out.reserve(indices.size());
  for (auto& part : detail::parts_of(indices, static_cast<std::size_t>(batch * world))) {
    detail::sort_down(part, lengths);
    for (auto const& chunk : split_to_even_chunks(part, lengths, world))
      out.insert(out.end(), chunk.begin(), chunk.end());
  }
  return out;
}

/// As `length_grouped`, with mega-batches of rows with media (lengths > 0) and without (< 0) kept
/// apart; the incomplete last ones are joined, sorted by index, and come last: upstream's
/// `get_modality_length_grouped_indices`. No length may be 0.
/// \param inner shuffles within a modality (upstream: always torch's global generator)
/// \param outer shuffles the mega-batches
inline std::vector<std::int64_t> modality_length_grouped(std::span<std::int64_t const> lengths,
                                                         std::int64_t batch, std::int64_t world,
                                                         TorchRandom& inner, TorchRandom& outer) {
  if (detail::one_modality(lengths)) return length_grouped(lengths, batch, world, outer);
  auto batches = detail::modality_batches(lengths, static_cast<std::size_t>(batch * world),
                                          [&](std::span<std::int64_t const> sizes) {
                                            return length_grouped(sizes, batch, world, inner);
                                          });
  auto out = detail::shuffled(batches.full, outer);
  std::ranges::sort(batches.last);
  out.insert(out.end(), batches.last.begin(), batches.last.end());
  return out;
}

/// Batches of about equally long rows: sorted by length, shuffled within every 8 batches, and the
/// batches shuffled: upstream's `get_variable_length_grouped_indices`.
inline std::vector<std::int64_t> variable_length_grouped(std::span<std::int64_t const> lengths,
                                                         std::int64_t batch, std::int64_t world,
                                                         TorchRandom& random) {
  auto const keys = random.permutation(static_cast<std::int64_t>(lengths.size()));
  std::vector<std::int64_t> sorted(lengths.size());
  std::iota(sorted.begin(), sorted.end(), std::int64_t{0});
  detail::sort_down(sorted, lengths);
  auto const mega = static_cast<std::size_t>(batch * world);
  std::vector<std::int64_t> mixed;
  mixed.reserve(sorted.size());
  for (auto& part : detail::parts_of(sorted, mega * 8)) {
    detail::sort_down(part, keys);
    mixed.insert(mixed.end(), part.begin(), part.end());
  }
  return detail::shuffled(detail::parts_of(mixed, mega), random);
}

/// Rows in random order, sorted by length within parts of up to 50 mega-batches, the longest row of
/// all first (so that too little memory shows at once), each mega-batch dealt evenly, the
/// mega-batches shuffled: upstream's `get_length_grouped_indices_auto_single`.
inline std::vector<std::int64_t> length_grouped_auto(std::span<std::int64_t const> lengths,
                                                     std::int64_t batch, std::int64_t world,
                                                     TorchRandom& random) {
  auto const mega = static_cast<std::size_t>(batch * world);
  auto const indices = random.permutation(static_cast<std::int64_t>(lengths.size()));
  auto parts =
      detail::parts_of(indices, mega * std::clamp<std::size_t>(lengths.size() / (mega * 4), 1, 50));
  for (auto& part : parts) detail::sort_down(part, lengths);
  auto const longest = std::ranges::max_element(
      parts, {}, [&](auto const& part) { return lengths[static_cast<std::size_t>(part.front())]; });
  if (longest != parts.end()) std::swap(parts.front().front(), longest->front());
  std::vector<std::int64_t> grouped;
  grouped.reserve(indices.size());
  for (auto const& part : parts) grouped.insert(grouped.end(), part.begin(), part.end());

  auto batches = detail::parts_of(grouped, mega);
  for (auto& part : batches) {
    detail::sort_down(part, lengths);
    auto const chunks = split_to_even_chunks(part, lengths, world);
    part.clear();
    for (auto const& chunk : chunks) part.insert(part.end(), chunk.begin(), chunk.end());
  }
  return detail::shuffled(batches, random);
}

/// As `length_grouped_auto`, with mega-batches of rows with media (lengths > 0) and without (< 0)
/// kept apart; the last one of either kind is left out: upstream's
/// `get_modality_length_grouped_indices_auto`. No length may be 0.
/// \param inner, outer as in `modality_length_grouped`
inline std::vector<std::int64_t> modality_length_grouped_auto(std::span<std::int64_t const> lengths,
                                                              std::int64_t batch,
                                                              std::int64_t world,
                                                              TorchRandom& inner,
                                                              TorchRandom& outer) {
  if (detail::one_modality(lengths)) return length_grouped_auto(lengths, batch, world, outer);
  auto const batches = detail::modality_batches(
      lengths, static_cast<std::size_t>(batch * world), [&](std::span<std::int64_t const> sizes) {
        return length_grouped_auto(sizes, batch, world, inner);
      });
  return detail::shuffled(batches.full, outer);
}

/// How an epoch orders its rows.
enum class Order {
  grouped,          ///< by modality and length, upstream's choice for stages 2 to 4
  grouped_auto,     ///< the same with the longest row first (`group_by_modality_length_auto`)
  length,           ///< by length alone, the longest row first (`group_by_length`)
  variable_length,  ///< batches of about equally long rows (`group_by_varlen`)
  shuffled,         ///< all rows of all sets mixed, upstream's choice for stage 1
  mixture,          ///< set after set as the mixture lists them, each shuffled: a curriculum
};

inline constexpr std::array all_orders{Order::grouped,         Order::grouped_auto, Order::length,
                                       Order::variable_length, Order::shuffled,     Order::mixture};

constexpr std::string_view name_of(Order order) {
  constexpr std::array<std::string_view, 6> names{"grouped",         "grouped_auto", "length",
                                                  "variable_length", "shuffled",     "mixture"};
  return names[static_cast<std::size_t>(order)];
}

/// Whether an order looks at rows' modalities. It is given `modality_length`s, the others
/// `estimated_length`s.
constexpr bool by_modality(Order order) {
  return order == Order::grouped || order == Order::grouped_auto;
}

/// Rows that an epoch visits: all, but for the last mega-batch of either modality where
/// `grouped_auto` leaves that out.
/// \param text, media rows without a medium and with one
constexpr std::int64_t rows_of_epoch(Order order, std::int64_t text, std::int64_t media,
                                     std::int64_t batch, std::int64_t world) {
  if (order != Order::grouped_auto || text == 0 || media == 0) return text + media;
  std::int64_t const mega = batch * world;
  return ((text - 1) / mega + (media - 1) / mega) * mega;
}

/// Optimizer steps of so many epochs; 0 where these do not fill one, and a run is refused.
/// \param accumulation micro-batches of a step, of all processes
constexpr std::int64_t steps_of_run(std::int64_t batches_per_epoch, std::int64_t epochs,
                                    std::int64_t accumulation) {
  return batches_per_epoch * epochs / accumulation;
}

/// Where a loader stands: the micro-batch that `next` gives next.
struct Position {
  std::int64_t epoch = 0, batch = 0;
  bool operator==(Position const&) const = default;
};

/// The rows of one epoch, in the order of `order`; the same for the same seed and epoch.
/// \param lengths one a row: negative without a medium if the order looks at modalities, where 0
///   counts as 1 word
/// \param set_sizes rows of each set; their sum is the number of rows
/// \param batch samples of a micro-batch  \param world micro-batches of one optimizer step over all
///   processes (upstream: processes x accumulation)
/// \param accumulation micro-batches that `variable_length` takes as one
inline std::vector<std::int64_t> epoch_order(Order order, std::vector<std::int64_t> lengths,
                                             std::span<std::int64_t const> set_sizes,
                                             std::int64_t batch, std::int64_t world,
                                             std::uint64_t seed, std::int64_t epoch,
                                             std::int64_t accumulation = 1) {
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
