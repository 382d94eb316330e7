#pragma once

#include <vcflash/models/sample.hpp>

#include <cmath>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "tests/support/golden_tensor.hpp"

/// Conversations of the golden data, as the model takes them.
namespace vcflash::test {

/// Rows and columns of `tiles`, the grid whose shape is nearest to the picture's.
inline std::pair<std::int64_t, std::int64_t> tile_grid(std::int64_t tiles, double width,
                                                       double height) {
  std::pair<std::int64_t, std::int64_t> best{tiles, 1};
  auto const distance = [&](std::pair<std::int64_t, std::int64_t> grid) {
    return std::abs(std::log(static_cast<double>(grid.second) / static_cast<double>(grid.first)) -
                    std::log(width / height));
  };
  for (std::int64_t rows = 1; rows <= tiles; ++rows) {
    std::pair<std::int64_t, std::int64_t> const grid{rows, tiles / rows};
    if (tiles % rows == 0 && distance(grid) < distance(best)) best = grid;
  }
  return best;
}

/// One conversation from an entry {kind, image, image_size_wh} and a row of ids and labels.
inline Sample golden_sample(nlohmann::json const& entry, at::Tensor const& ids,
                            at::Tensor const& labels) {
  Sample sample{
      .input_ids = ids.cpu(), .labels = labels.defined() ? labels.cpu() : labels, .media = {}};
  auto const kind = entry.at("kind").get<std::string>();
  if (kind == "text") return sample;
  Medium medium{.modality = kind == "video" ? Modality::video : Modality::image,
                .pixels = formula(entry.at("image").get<std::string>())};
  std::int64_t const tiles = medium.pixels.size(0) - 1;
  if (kind == "image" && tiles > 0) {
    auto const size = entry.at("image_size_wh").get<std::vector<double>>();
    std::tie(medium.tile_rows, medium.tile_columns) = tile_grid(tiles, size[0], size[1]);
  }
  sample.media.push_back(std::move(medium));
  return sample;
}

/// The batch of a case: `in.<name>.input_ids`, `.labels` and `.attention_mask`, right-padded.
/// \param pad id of padding, where no mask is stored
inline std::vector<Sample> golden_samples(Golden const& golden, std::string const& name,
                                          nlohmann::json const& entry,
                                          std::optional<std::int64_t> pad = {}) {
  std::vector<Sample> samples;
  at::Tensor const& ids = golden["in." + name + ".input_ids"];
  auto const& entries = entry.at("samples");
  for (std::size_t i = 0; i < entries.size(); ++i) {
    auto const row = static_cast<std::int64_t>(i);
    std::int64_t length = ids.size(1);
    if (golden.has("in." + name + ".attention_mask")) {
      length = golden["in." + name + ".attention_mask"][row].sum().item<std::int64_t>();
    } else if (pad) {
      length = ids[row].ne(*pad).sum().item<std::int64_t>();
    }
    at::Tensor const labels = golden.has("in." + name + ".labels")
                                  ? golden["in." + name + ".labels"][row].narrow(0, 0, length)
                                  : at::Tensor{};
    samples.push_back(golden_sample(entries[i], ids[row].narrow(0, 0, length), labels));
  }
  return samples;
}

}  // namespace vcflash::test
