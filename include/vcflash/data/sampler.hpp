#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
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

/// Rows in random order, but sorted by length within each mega-batch of `batch` x `world` and
/// dealt evenly: upstream's `get_length_grouped_indices`.
inline std::vector<std::int64_t> length_grouped(std::span<std::int64_t const> lengths,
                                                std::int64_t batch, std::int64_t world,
                                                TorchRandom& random) {
  auto indices = random.permutation(static_cast<std::int64_t>(lengths.size()));
  std::vector<std::int64_t> out;
  out.reserve(indices.size());
  auto const mega = static_cast<std::size_t>(batch * world);
  for (std::size_t first = 0; first < indices.size(); first += mega) {
    std::span<std::int64_t> const part(indices.data() + first,
                                       std::min(mega, indices.size() - first));
    std::stable_sort(part.begin(), part.end(), [&](std::int64_t a, std::int64_t b) {
      return lengths[static_cast<std::size_t>(a)] > lengths[static_cast<std::size_t>(b)];
    });
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
  std::array<std::vector<std::int64_t>, 2> rows, sizes;
  for (std::size_t i = 0; i < lengths.size(); ++i) {
    std::size_t const text = lengths[i] < 0 ? 1 : 0;
    rows[text].push_back(static_cast<std::int64_t>(i));
    sizes[text].push_back(std::abs(lengths[i]));
  }
  if (rows[0].empty() || rows[1].empty()) return length_grouped(lengths, batch, world, outer);

  auto const mega = static_cast<std::size_t>(batch * world);
  std::vector<std::vector<std::int64_t>> batches;
  std::vector<std::int64_t> last;
  for (std::size_t kind = 0; kind < 2; ++kind) {
    auto const order = length_grouped(sizes[kind], batch, world, inner);
    for (std::size_t first = 0; first < order.size(); first += mega) {
      std::size_t const stop = std::min(first + mega, order.size());
      auto& target = stop < order.size() ? batches.emplace_back() : last;
      for (std::size_t i = first; i < stop; ++i)
        target.push_back(rows[kind][static_cast<std::size_t>(order[i])]);
    }
  }
  std::vector<std::int64_t> out;
  for (std::int64_t const i : outer.permutation(static_cast<std::int64_t>(batches.size())))
    out.insert(out.end(), batches[static_cast<std::size_t>(i)].begin(),
               batches[static_cast<std::size_t>(i)].end());
  std::sort(last.begin(), last.end());
  out.insert(out.end(), last.begin(), last.end());
  return out;
}

/// How an epoch orders its rows.
enum class Order {
  grouped,   ///< by modality and length, upstream's choice for stages 2 to 4
  shuffled,  ///< all rows of all sets mixed, upstream's choice for stage 1
  mixture,   ///< set after set as the mixture lists them, each shuffled: a curriculum
};

constexpr std::string_view name_of(Order order) {
  constexpr std::array<std::string_view, 3> names{"grouped", "shuffled", "mixture"};
  return names[static_cast<std::size_t>(order)];
}

/// The rows of one epoch, in the order of `order`; the same for the same seed and epoch.
/// \param lengths one a row, negative without a medium (`modality_length`); 0 counts as 1 word
/// \param set_sizes rows of each set; their sum is the number of rows
/// \param batch samples of a micro-batch  \param world micro-batches of one optimiser step over all
///   processes (upstream: processes x accumulation)
inline std::vector<std::int64_t> epoch_order(Order order, std::vector<std::int64_t> lengths,
                                             std::span<std::int64_t const> set_sizes,
                                             std::int64_t batch, std::int64_t world,
                                             std::uint64_t seed, std::int64_t epoch) {
  TorchRandom random(seed + static_cast<std::uint64_t>(epoch));
  if (order == Order::shuffled)
    return random_order(static_cast<std::int64_t>(lengths.size()), random);
  if (order == Order::grouped) {
    for (std::int64_t& length : lengths) length = length == 0 ? -1 : length;
    return modality_length_grouped(lengths, batch, world, random, random);
  }
  std::vector<std::int64_t> out;
  for (std::int64_t const size : set_sizes) {
    auto const first = static_cast<std::int64_t>(out.size());
    for (std::int64_t const i : random.permutation(size)) out.push_back(first + i);
  }
  return out;
}

}  // namespace vcflash::data
