#pragma once

#include <array>
#include <cstdint>
#include <numeric>
#include <random>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include <vcflash/meta/separate.hpp>

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
std::vector<std::vector<std::int64_t>> split_to_even_chunks(std::span<std::int64_t const> indices,
                                                            std::span<std::int64_t const> lengths,
                                                            std::int64_t chunks);

/// Rows in random order, but sorted by length within each mega-batch of `batch` x `world` and
/// dealt evenly: upstream's `get_length_grouped_indices`.
std::vector<std::int64_t> length_grouped(std::span<std::int64_t const> lengths, std::int64_t batch,
                                         std::int64_t world, TorchRandom& random);

/// As `length_grouped`, with mega-batches of rows with media (lengths > 0) and without (< 0) kept
/// apart; the incomplete last ones are joined, sorted by index, and come last: upstream's
/// `get_modality_length_grouped_indices`. No length may be 0.
/// \param inner shuffles within a modality (upstream: always torch's global generator)
/// \param outer shuffles the mega-batches
std::vector<std::int64_t> modality_length_grouped(std::span<std::int64_t const> lengths,
                                                  std::int64_t batch, std::int64_t world,
                                                  TorchRandom& inner, TorchRandom& outer);

/// Batches of about equally long rows: sorted by length, shuffled within every 8 batches, and the
/// batches shuffled: upstream's `get_variable_length_grouped_indices`.
std::vector<std::int64_t> variable_length_grouped(std::span<std::int64_t const> lengths,
                                                  std::int64_t batch, std::int64_t world,
                                                  TorchRandom& random);

/// Rows in random order, sorted by length within parts of up to 50 mega-batches, the longest row of
/// all first (so that too little memory shows at once), each mega-batch dealt evenly, the
/// mega-batches shuffled: upstream's `get_length_grouped_indices_auto_single`.
std::vector<std::int64_t> length_grouped_auto(std::span<std::int64_t const> lengths,
                                              std::int64_t batch, std::int64_t world,
                                              TorchRandom& random);

/// As `length_grouped_auto`, with mega-batches of rows with media (lengths > 0) and without (< 0)
/// kept apart; the last one of either kind is left out: upstream's
/// `get_modality_length_grouped_indices_auto`. No length may be 0.
/// \param inner, outer as in `modality_length_grouped`
std::vector<std::int64_t> modality_length_grouped_auto(std::span<std::int64_t const> lengths,
                                                       std::int64_t batch, std::int64_t world,
                                                       TorchRandom& inner, TorchRandom& outer);

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
/// \param batch samples of a micro-batch
/// \param world micro-batches of one optimizer step over all
///   processes (upstream: processes x accumulation)
/// \param accumulation micro-batches that `variable_length` takes as one
std::vector<std::int64_t> epoch_order(Order order, std::vector<std::int64_t> lengths,
                                      std::span<std::int64_t const> set_sizes, std::int64_t batch,
                                      std::int64_t world, std::uint64_t seed, std::int64_t epoch,
                                      std::int64_t accumulation = 1);

}  // namespace vcflash::data

#ifndef VCFLASH_SEPARATE
#include <vcflash/data/sampler.ipp>
#endif
