#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <vcflash/dist/process_group.hpp>
#include <vcflash/meta/separate.hpp>
#include <vcflash/tensor/tensor.hpp>
#include <vcflash/train/layers_of.hpp>

namespace vcflash::train {

/// Elements that parameters take beside each other in one tensor that is cut into equal parts.
struct FlatLayout {
  /// Every parameter begins where vector instructions like it.
  static constexpr std::int64_t aligned(std::int64_t elements) { return (elements + 15) / 16 * 16; }

  /// \param elements of all parameters, aligned  \param parts one a rank
  static constexpr std::int64_t padded(std::int64_t elements, std::int64_t parts) {
    auto const multiple = 16 * parts;
    return (elements + multiple - 1) / multiple * multiple;
  }
};

/// ZeRO-3's parameters: of each layer every rank keeps an equal part, and all of it only while it
/// is used. What a layer trains and what it does not lie apart, and so do dtypes. Ranks call
/// everything in the same order.
class ShardedParameters {
 public:
  /// Takes over rank 0's values and cuts them up.
  /// \param encoder, llm whose layers run one after the other  \param rest what has no layers
  ShardedParameters(PartUnits encoder, PartUnits llm, ParameterUnit rest,
                    dist::ProcessGroup& group);
  ShardedParameters(ShardedParameters const&) = delete;
  ShardedParameters& operator=(ShardedParameters const&) = delete;

  /// The parameters that carry gradients, unit by unit, about as a forward pass meets them.
  std::vector<std::vector<std::string>> trained_keys() const;

  /// This rank's part of the unit that a parameter is in: [size / ranks].
  Tensor const& part_with(std::string const& key) const;

  /// The layers that are used in turn if the encoder runs `passes` times and the LLM once.
  std::vector<std::size_t> order_of_use(std::int64_t passes) const;

  /// Makes a layer whole; `begin` does not wait until it is.
  void begin(std::size_t layer);
  void gather(std::size_t layer);

  /// Keeps this rank's part only.
  void release(std::size_t layer);

  /// What stands beside the layers is whole for a step, or everything for a copy.
  void gather_rest();
  void gather_all();
  void release_all();

  /// Bytes of parameters that are here now.
  std::int64_t bytes() const;

 private:
  struct Unit {
    ParameterUnit parameters;
    Tensor whole, part;  ///< [size], without memory while it is released; [size / ranks]
    bool trained = false, there = true;
    dist::Pending pending;
  };

  /// Adds parameters that are used together.
  void add(ParameterUnit parameters);
  void cut(Unit& unit);
  std::span<Unit> units_of(std::size_t layer);
  void begin(Unit& unit);
  void release(Unit& unit);

  dist::ProcessGroup& group_;
  std::vector<Unit> units_;
  /// First and last (left out) unit of each layer; the first entry is what has no layers.
  std::vector<std::pair<std::size_t, std::size_t>> together_;
  std::size_t encoder_ = 0, llm_ = 0;  ///< how many layers
};

}  // namespace vcflash::train

#ifndef VCFLASH_SEPARATE
#include <vcflash/train/sharded_parameters.ipp>
#endif
