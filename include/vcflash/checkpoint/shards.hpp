#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <vcflash/checkpoint/safetensors_header.hpp>
#include <vcflash/meta/separate.hpp>

/// A model's weights as several files and an index, as `transformers` spreads them.
namespace vcflash::checkpoint {

/// Bytes of tensors that one file takes.
inline constexpr std::uint64_t shard_limit = 5'000'000'000;

/// One file of a model's weights.
struct Shard {
  std::string file;
  std::vector<SafetensorsEntry> entries;  ///< in the order of their bytes
};

/// Spreads tensors over files in the order of upstream's state dict: the LLM's, the encoder's, the
/// connector's, the LLM's output layer, each part as it is given. A file is full where the next
/// tensor would exceed the limit (`shard_checkpoint` of transformers 4.40).
/// \return one file if all fit in it, which then has no number in its name
std::vector<Shard> shards_of(std::vector<SafetensorsEntry> tensors,
                             std::uint64_t limit = shard_limit);

/// The content of `model.safetensors.index.json`: which tensor is in which file.
std::string shard_index(std::vector<Shard> const& shards);

inline constexpr std::string_view single_file = "model.safetensors";
inline constexpr std::string_view index_file = "model.safetensors.index.json";

/// Whether a file of that name is a model's weights, a part of them, or their index.
bool is_weights_file(std::string_view name);

}  // namespace vcflash::checkpoint

#ifndef VCFLASH_SEPARATE
#include <vcflash/checkpoint/shards.ipp>
#endif
