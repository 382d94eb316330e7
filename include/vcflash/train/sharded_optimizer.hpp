#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <vcflash/dist/process_group.hpp>
#include <vcflash/meta/separate.hpp>
#include <vcflash/recipe/stage.hpp>
#include <vcflash/tensor/parameter_list.hpp>
#include <vcflash/train/optimizer.hpp>
#include <vcflash/train/sharded_parameters.hpp>
#include <vcflash/train/stored_state.hpp>

namespace vcflash::train {

/// AdamW of a run that one process does, or several by data parallelism: each learns from micro
/// batches of its own, gradients are summed in buckets while the backward pass still runs, and what
/// `Zero` says is sharded (ZeRO, Rajbhandari et al. 2020). Every rank calls everything in the same
/// order. A bucket is cut into as many equal parts as there are ranks, across parameters.
class ShardedOptimizer {
 public:
  /// \param groups the parameters, which carry gradients from here on
  /// \param keys of all parameters in the order in which a forward pass meets them
  /// \param group none: one process, for which nothing is sharded
  /// \param parameters which are sharded as well, and give the buckets; none: every rank has them
  /// \param bucket elements that travel together
  ShardedOptimizer(std::vector<ParameterGroup> groups, AdamW::Options options,
                   std::vector<std::string> const& keys = {}, ZeroStage zero = {},
                   dist::ProcessGroup* group = nullptr,
                   ShardedParameters const* parameters = nullptr, std::int64_t bucket = 8 << 20);
  ~ShardedOptimizer();

  /// This rank's share.
  AdamW const& own() const { return *own_; }

  /// To be called before the `i`th of `of` micro batches of a step on this rank.
  void begin(std::int64_t i, std::int64_t of);

  /// To be called after every backward pass.
  void take_gradients();

  /// As AdamW's; several processes do so anyway.
  void take_gradients_as_they_come();

  /// Waits until the gradients of all ranks' micro batches of a step are summed.
  void finish_gradients();

  /// The norm of the gradients of all ranks' micro batches together.  \see AdamW::gradient_norm
  Tensor gradient_norm();

  /// \see AdamW::clip
  void clip(double norm, double most) { own_->clip(norm, most); }

  /// \see AdamW::forget_gradients
  void forget_gradients();

  /// Forgets what a step has learned so far, amid its micro batches: between two of them.
  void give_up();

  /// Moves every parameter once, on all ranks.  \see AdamW::step
  void step(double factor);

  /// This rank's share of what a later run of any number of processes needs to go on: of sharded
  /// state its pieces, named as `StoredState` reads them, else all of it on rank 0.
  NamedTensors state() const;

  /// How many ranks have a share.
  std::int64_t shares() const;

  /// Takes over what the ranks of an earlier run had.
  /// \throws InputError if it is not this optimizer's
  void restore(StoredState const& stored, std::int64_t steps_done);

 private:
  class Shards;

  bool sharded() const;

  dist::ProcessGroup* group_;
  std::unique_ptr<Shards> shards_;  ///< of a run of several processes
  std::unique_ptr<AdamW> own_;
};

}  // namespace vcflash::train

#ifndef VCFLASH_SEPARATE
#include <vcflash/train/sharded_optimizer.ipp>
#endif
