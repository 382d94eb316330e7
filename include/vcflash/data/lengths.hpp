#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include <vcflash/data/mixture.hpp>
#include <vcflash/data/row.hpp>
#include <vcflash/data/sampler.hpp>

namespace vcflash::data {

/// The lengths of a mixture's rows by which an order groups them.
/// \param max_frames of a video
inline std::vector<std::int64_t> lengths_of(Mixture const& mixture, Order order,
                                            std::int64_t max_frames) {
  std::vector<std::int64_t> lengths(static_cast<std::size_t>(mixture.size()));
  for (std::size_t i = 0; i < lengths.size(); ++i) {
    auto const row = static_cast<std::int64_t>(i);
    auto const words = mixture.words(row);
    auto const modality = mixture.modality(row);
    lengths[i] = by_modality(order) ? modality_length(words, modality)
                                    : estimated_length(words, modality, max_frames);
  }
  return lengths;
}

}  // namespace vcflash::data
