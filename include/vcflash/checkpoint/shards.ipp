#pragma once

#include <algorithm>
#include <cstddef>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <vcflash/checkpoint/shards.hpp>

namespace vcflash::checkpoint {

namespace detail {

/// Where upstream's state dict has a tensor, by the part that it is of.
inline int place_in_state_dict(std::string_view key) {
  if (key.starts_with("model.vision_tower.")) return 1;
  if (key.starts_with("model.mm_projector.")) return 2;
  return key.starts_with("lm_head.") ? 3 : 0;
}

}  // namespace detail

VCFLASH_INLINE std::vector<Shard> shards_of(std::vector<SafetensorsEntry> tensors,
                                            std::uint64_t limit) {
  std::ranges::stable_sort(tensors, {}, [](SafetensorsEntry const& tensor) {
    return detail::place_in_state_dict(tensor.name);
  });
  std::vector<Shard> shards(1);
  std::uint64_t filled = 0;
  for (auto& tensor : tensors) {
    auto const bytes = detail::bytes_needed(tensor);
    if (filled + bytes > limit && !shards.back().entries.empty()) {
      shards.emplace_back();
      filled = 0;
    }
    filled += bytes;
    shards.back().entries.push_back(std::move(tensor));
  }
  for (std::size_t i = 0; i < shards.size(); ++i) {
    shards[i].file = shards.size() == 1
                         ? std::string(single_file)
                         : fmt::format("model-{:05}-of-{:05}.safetensors", i + 1, shards.size());
    lay_out(shards[i].entries);
  }
  return shards;
}

VCFLASH_INLINE std::string shard_index(std::vector<Shard> const& shards) {
  auto map = nlohmann::json::object();
  std::uint64_t total = 0;
  for (auto const& shard : shards) {
    for (auto const& entry : shard.entries) map[entry.name] = shard.file;
    if (!shard.entries.empty()) total += shard.entries.back().end;
  }
  nlohmann::json const index{{"metadata", {{"total_size", total}}}, {"weight_map", std::move(map)}};
  return index.dump(2) + '\n';
}

VCFLASH_INLINE bool is_weights_file(std::string_view name) {
  if (name == index_file || name == single_file) return true;
  constexpr std::string_view numbered = "model-#####-of-#####.safetensors";
  return std::ranges::equal(name, numbered, [](char letter, char pattern) {
    return pattern == '#' ? letter >= '0' && letter <= '9' : letter == pattern;
  });
}

}  // namespace vcflash::checkpoint
