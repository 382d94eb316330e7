#pragma once

#include <ATen/core/grad_mode.h>
#include <torch/csrc/autograd/function_hook.h>
#include <torch/csrc/autograd/variable.h>

#include <algorithm>
#include <cstddef>
#include <deque>
#include <limits>
#include <unordered_map>
#include <utility>

#include <fmt/format.h>

#include <vcflash/base/error.hpp>
#include <vcflash/tensor/aten.hpp>
#include <vcflash/train/sharded_optimizer.hpp>

namespace vcflash::train {

namespace detail {

inline void require_as_many(StoredState const& stored, std::size_t known) {
  if (stored.size() == known) return;
  throw InputError(
      fmt::format("{}: has {} tensors, this run has {}.", stored.where(), stored.size(), known));
}

}  // namespace detail

/// The buckets of a run of several processes: gradients on their way, and who keeps what.
class ShardedOptimizer::Shards {
 public:
  Shards(std::vector<ParameterGroup> const& groups, std::vector<std::string> const& keys,
         ZeroStage zero, dist::ProcessGroup& group, ShardedParameters const* parameters,
         std::int64_t bucket_elements)
      : zero_(zero), group_(group), parameters_(parameters) {
    if (parameters_ == nullptr) {
      // Gradients come in about the reverse of the order in which a forward pass goes.
      std::vector<std::vector<std::string>> const run{
          std::vector<std::string>(keys.rbegin(), keys.rend())};
      make_buckets(groups, run, bucket_elements);
    } else {
      auto units = parameters_->trained_keys();
      std::ranges::reverse(units);
      make_buckets(groups, units, std::numeric_limits<std::int64_t>::max());
    }
    at::NoGradGuard const no_grad;
    for (auto& bucket : buckets_) {
      if (parameters_ == nullptr) same_everywhere(bucket);
      if (zero_.gradients()) {
        bucket.kept = aten::zeros({part_of(bucket)}, fp32());
      } else {
        bucket.sums = aten::zeros({bucket.size}, fp32());
      }
    }
    for (auto& slot : slots_) {
      torch::autograd::impl::set_post_acc_grad_hooks(slot.parameter,
                                                     std::make_unique<Hook>(*this, slot));
    }
  }

  ~Shards() {
    for (auto& slot : slots_) {
      torch::autograd::impl::set_post_acc_grad_hooks(slot.parameter, nullptr);
    }
  }
  Shards(Shards const&) = delete;
  Shards& operator=(Shards const&) = delete;

  /// What this rank's optimizer works on: its pieces of the parameters, and of the sums of their
  /// gradients.
  std::vector<ParameterGroup> own_groups(std::vector<ParameterGroup> const& groups) {
    std::vector<ParameterGroup> own;
    for (auto const& group : groups) {
      own.push_back({.learning_rate = group.learning_rate,
                     .weight_decay = group.weight_decay,
                     .names = {},
                     .parameters = {},
                     .gradients = {}});
      for (auto const& name : group.names) {
        auto const& slot = *by_name_.at(name);
        auto const piece = piece_of(slot);
        if (piece.count == 0) continue;
        own.back().names.push_back(name);
        if (zero_.optimizer()) {
          own.back().parameters.push_back(
              parameters_
                  ? parameters_->part_with(name).narrow(0, piece.in_part, piece.count)
                  : slot.parameter.detach().view(-1).narrow(0, piece.in_parameter, piece.count));
          own.back().gradients.push_back(gradients_of_piece(slot, piece));
        } else {
          own.back().parameters.push_back(slot.parameter);
          own.back().gradients.push_back(sums_of(slot));
        }
      }
    }
    return own;
  }

  void begin(std::int64_t i, std::int64_t of) {
    // Sharded sums hold no place for what other ranks keep: every pass is shared at its end.
    if (zero_.gradients() && i > 0) finish();
    sharing_ = zero_.gradients() || i + 1 == of;
    next_ = 0;
    for (auto& bucket : buckets_) {
      bucket.missing = bucket.slots.size();
      bucket.begun = false;
    }
    for (auto& slot : slots_) slot.came = false;
  }

  /// Waits until the gradients of all ranks are summed.
  void finish() {
    if (!sharing_) return;
    at::NoGradGuard const no_grad;
    while (next_ < buckets_.size()) share(buckets_[next_++]);
    for (auto& bucket : buckets_) collect(bucket);
    share_latecomers();
    sharing_ = false;
  }

  /// The norm of all gradients, of which this rank knows the norm of its own.
  Tensor norm_of_all(Tensor const& own) const {
    if (!zero_.optimizer()) return own;
    at::NoGradGuard const no_grad;
    Tensor const squares = own.to(fp32()).square();
    group_.all_reduce(squares).wait();
    return squares.sqrt();
  }

  /// Forgets the sums of gradients that are not this rank's own.
  void forget_gradients() {
    if (zero_.gradients()) return;
    for (auto& bucket : buckets_) bucket.sums.zero_();
  }

  /// Gives all ranks the parameters that each moved.
  void share_parameters() {
    if (!zero_.optimizer() || parameters_ != nullptr) return;
    at::NoGradGuard const no_grad;
    // One bucket is on its way while the one before is taken out.
    Gathering now;
    for (std::size_t b = 0; b <= buckets_.size(); ++b) {
      Gathering next;
      if (b < buckets_.size()) next = gather_parameters(buckets_[b]);
      if (now.pending) {
        now.pending.wait();
        for (auto const* slot : now.bucket->slots) {
          slot->parameter.detach().view(-1).copy_(now.whole.narrow(0, slot->offset, slot->count));
        }
      }
      now = std::move(next);
    }
  }

  /// A state's tensors under the names of the pieces that they are.
  NamedTensors named_pieces(NamedTensors own) const {
    for (auto& [name, tensor] : own) {
      auto const& slot = *by_name_.at(name.substr(name.find('.') + 1));  // behind "first." etc.
      name += fmt::format("@{}", piece_of(slot).in_parameter);
    }
    return own;
  }

  /// This rank's pieces of a state. What does not fit is left out, for `AdamW` to name.
  std::map<std::string, Tensor> cut(StoredState const& stored) const {
    detail::require_as_many(stored, kinds().size() * slots_.size());
    std::map<std::string, Tensor> own;
    for (auto const& slot : slots_) {
      auto const piece = piece_of(slot);
      if (piece.count == 0) continue;
      for (auto const& kind : kinds()) {
        Tensor const found =
            stored.piece(kind + slot.name, slot.parameter.sizes(), piece.in_parameter, piece.count);
        if (found.defined()) own[kind + slot.name] = found;
      }
    }
    return own;
  }

  bool shards_state() const { return zero_.optimizer(); }

 private:
  /// A parameter and its place in a bucket.
  struct Slot {
    std::string name;
    Tensor parameter;
    std::size_t bucket = 0;
    std::int64_t offset = 0, count = 0;
    bool came = false;  ///< its gradient, in this pass
  };

  struct Bucket {
    std::vector<Slot*> slots;
    std::int64_t size = 0;    ///< elements, a multiple of the number of ranks
    Tensor sums;              ///< fp32 [size] of gradients; with sharded gradients in a pass only
    Tensor kept;              ///< fp32 [size / ranks]: this rank's part of all sums, if sharded
    std::size_t missing = 0;  ///< slots whose gradient is still to come
    bool begun = false;
    dist::Pending pending;
  };

  /// What of a parameter this rank's optimizer moves.
  struct Piece {
    std::int64_t in_parameter = 0, in_bucket = 0, in_part = 0, count = 0;
  };

  struct Gathering {
    Bucket* bucket = nullptr;
    Tensor part, whole;
    dist::Pending pending;
  };

  struct Hook : torch::autograd::PostAccumulateGradHook {
    Hook(Shards& shards, Slot& slot) : shards(shards), slot(slot) {}
    void operator()(torch::autograd::Variable const&) override { shards.came(slot); }
    Shards& shards;
    Slot& slot;
  };

  at::TensorOptions fp32() const {
    return at::TensorOptions(at::kFloat).device(slots_.front().parameter.device());
  }

  /// The kinds of tensors that an optimizer's state has of each parameter.
  std::vector<std::string> kinds() const {
    if (slots_.front().parameter.scalar_type() == at::kFloat) return {"first.", "second."};
    return {"first.", "second.", "master."};
  }

  std::int64_t part_of(Bucket const& bucket) const { return bucket.size / group_.size(); }

  /// \param runs keys in the order in which their gradients come, each run in buckets of its own
  /// \param elements of a bucket, unless one parameter has more
  void make_buckets(std::vector<ParameterGroup> const& groups,
                    std::vector<std::vector<std::string>> const& runs, std::int64_t elements) {
    std::unordered_map<std::string, Tensor> parameters;
    for (auto const& group : groups) {
      for (std::size_t i = 0; i < group.names.size(); ++i) {
        parameters.emplace(group.names[i], group.parameters[i]);
      }
    }
    for (auto const& run : runs) {
      bool begins = true;
      for (auto const& key : run) {
        auto const found = parameters.find(key);
        if (found == parameters.end()) continue;
        auto const count = found->second.numel();
        if (std::exchange(begins, false) || buckets_.back().size + count > elements) {
          buckets_.emplace_back();
        }
        auto& bucket = buckets_.back();
        auto& slot = slots_.emplace_back();
        slot.name = key;
        slot.parameter = found->second;
        slot.bucket = buckets_.size() - 1;
        slot.offset = bucket.size;
        slot.count = count;
        by_name_[key] = &slot;
        bucket.size += FlatLayout::aligned(count);
        bucket.slots.push_back(&slot);
      }
    }
    if (slots_.size() != parameters.size()) fail("a parameter of the optimizer has no place");
    for (auto& bucket : buckets_) bucket.size = FlatLayout::padded(bucket.size, group_.size());
  }

  /// All ranks begin with rank 0's values.
  void same_everywhere(Bucket const& bucket) {
    Tensor const flat =
        aten::zeros({bucket.size}, bucket.slots.front()->parameter.options().requires_grad(false));
    for (auto const* slot : bucket.slots) {
      flat.narrow(0, slot->offset, slot->count).copy_(slot->parameter.detach().reshape(-1));
    }
    group_.broadcast(flat).wait();
    for (auto const* slot : bucket.slots) {
      Tensor const own = slot->parameter.detach();
      if (!own.is_contiguous()) fail("a parameter to be sharded is not contiguous");
      own.view(-1).copy_(flat.narrow(0, slot->offset, slot->count));
    }
  }

  Piece piece_of(Slot const& slot) const {
    if (!zero_.optimizer()) return {0, slot.offset, slot.offset, slot.count};
    auto const part = part_of(buckets_[slot.bucket]);
    auto const first = group_.rank() * part;
    auto const begin = std::max(slot.offset, first);
    auto const end = std::min(slot.offset + slot.count, first + part);
    if (begin >= end) return {};
    return {begin - slot.offset, begin, begin - first, end - begin};
  }

  Tensor gradients_of_piece(Slot const& slot, Piece const& piece) const {
    auto const& bucket = buckets_[slot.bucket];
    return zero_.gradients() ? bucket.kept.narrow(0, piece.in_part, piece.count)
                             : bucket.sums.narrow(0, piece.in_bucket, piece.count);
  }

  /// A parameter's place among a bucket's sums, in its own shape.
  Tensor sums_of(Slot const& slot) const {
    auto const& sums = buckets_[slot.bucket].sums;
    return sums.narrow(0, slot.offset, slot.count).view(slot.parameter.sizes());
  }

  /// A parameter's gradient of a pass is there.
  void came(Slot& slot) {
    auto& bucket = buckets_[slot.bucket];
    // Layers that are run twice in a pass give two gradients; the second waits for the end.
    if (bucket.begun) return;
    at::NoGradGuard const no_grad;
    if (!bucket.sums.defined()) bucket.sums = aten::zeros({bucket.size}, fp32());
    Tensor& gradient = slot.parameter.mutable_grad();
    sums_of(slot).add_(gradient);
    gradient.reset();
    if (!sharing_) return;
    if (!std::exchange(slot.came, true)) --bucket.missing;
    // All ranks share the buckets in the same order, whatever order their gradients come in.
    while (next_ < buckets_.size() && buckets_[next_].missing == 0) share(buckets_[next_++]);
    for (std::size_t b = 0; b < next_ && zero_.gradients(); ++b) {
      if (buckets_[b].pending && buckets_[b].pending.done()) collect(buckets_[b]);
    }
  }

  void share(Bucket& bucket) {
    bucket.begun = true;
    if (!bucket.sums.defined()) bucket.sums = aten::zeros({bucket.size}, fp32());
    bucket.pending = group_.all_reduce(bucket.sums);
  }

  void collect(Bucket& bucket) {
    if (!bucket.pending) return;
    bucket.pending.wait();
    if (!zero_.gradients()) return;
    auto const part = part_of(bucket);
    bucket.kept.add_(bucket.sums.narrow(0, group_.rank() * part, part));
    bucket.sums.reset();
  }

  /// Adds the gradients that came after their bucket was on its way, on any rank.
  void share_latecomers() {
    std::vector<double> late;
    for (auto const& bucket : buckets_) {
      late.push_back(std::ranges::any_of(
          bucket.slots, [](Slot const* slot) { return slot->parameter.grad().defined(); }));
    }
    late = group_.sum(std::move(late));
    for (std::size_t b = 0; b < buckets_.size(); ++b) {
      if (late[b] == 0) continue;
      auto& bucket = buckets_[b];
      Tensor const before = std::exchange(bucket.sums, aten::zeros({bucket.size}, fp32()));
      for (auto const* slot : bucket.slots) {
        Tensor& gradient = slot->parameter.mutable_grad();
        if (gradient.defined()) sums_of(*slot).add_(gradient);
        gradient.reset();
      }
      share(bucket);
      collect(bucket);
      if (before.defined()) bucket.sums = before.add_(bucket.sums);
    }
  }

  Gathering gather_parameters(Bucket& bucket) {
    auto const options = bucket.slots.front()->parameter.options().requires_grad(false);
    Gathering begun{
        &bucket, aten::zeros({part_of(bucket)}, options), aten::empty({bucket.size}, options), {}};
    for (auto const* slot : bucket.slots) {
      auto const piece = piece_of(*slot);
      if (piece.count == 0) continue;
      begun.part.narrow(0, piece.in_part, piece.count)
          .copy_(slot->parameter.detach().view(-1).narrow(0, piece.in_parameter, piece.count));
    }
    begun.pending = group_.all_gather(begun.whole, begun.part);
    return begun;
  }

  ZeroStage zero_;
  dist::ProcessGroup& group_;
  ShardedParameters const* parameters_;
  std::deque<Slot> slots_;  // hooks and buckets refer to them
  std::unordered_map<std::string, Slot*> by_name_;
  std::vector<Bucket> buckets_;
  bool sharing_ = false;  ///< this pass's gradients go to the other ranks
  std::size_t next_ = 0;  ///< bucket to be shared
};

VCFLASH_INLINE ShardedOptimizer::ShardedOptimizer(std::vector<ParameterGroup> groups,
                                                  AdamW::Options options,
                                                  std::vector<std::string> const& keys,
                                                  ZeroStage zero, dist::ProcessGroup* group,
                                                  ShardedParameters const* parameters,
                                                  std::int64_t bucket)
    : group_(group) {
  if (group != nullptr) {
    shards_ = std::make_unique<Shards>(groups, keys, zero, *group, parameters, bucket);
    groups = shards_->own_groups(groups);
  }
  own_ = std::make_unique<AdamW>(std::move(groups), options);
}

VCFLASH_INLINE ShardedOptimizer::~ShardedOptimizer() = default;

VCFLASH_INLINE void ShardedOptimizer::begin(std::int64_t i, std::int64_t of) {
  if (shards_) shards_->begin(i, of);
}

VCFLASH_INLINE void ShardedOptimizer::take_gradients() {
  if (!shards_) own_->take_gradients();
}

VCFLASH_INLINE void ShardedOptimizer::take_gradients_as_they_come() {
  if (!shards_) own_->take_gradients_as_they_come();
}

VCFLASH_INLINE void ShardedOptimizer::finish_gradients() {
  if (shards_) shards_->finish();
}

VCFLASH_INLINE Tensor ShardedOptimizer::gradient_norm() {
  if (!shards_) return own_->gradient_norm();
  finish_gradients();
  return shards_->norm_of_all(own_->gradient_norm());
}

VCFLASH_INLINE void ShardedOptimizer::forget_gradients() {
  own_->forget_gradients();
  if (shards_) shards_->forget_gradients();
}

VCFLASH_INLINE void ShardedOptimizer::give_up() {
  finish_gradients();  // what is on its way between the ranks comes to its end
  forget_gradients();
}

VCFLASH_INLINE void ShardedOptimizer::step(double factor) {
  own_->step(factor);
  if (!shards_) return;
  shards_->forget_gradients();
  shards_->share_parameters();
}

VCFLASH_INLINE bool ShardedOptimizer::sharded() const { return shards_ && shards_->shards_state(); }

VCFLASH_INLINE NamedTensors ShardedOptimizer::state() const {
  if (sharded()) return shards_->named_pieces(own_->state());
  return group_ == nullptr || group_->first() ? own_->state() : NamedTensors();
}

VCFLASH_INLINE std::int64_t ShardedOptimizer::shares() const {
  return sharded() ? group_->size() : 1;
}

VCFLASH_INLINE void ShardedOptimizer::restore(StoredState const& stored, std::int64_t steps_done) {
  std::map<std::string, Tensor> own;
  if (sharded()) {
    own = shards_->cut(stored);
  } else {
    auto const wanted = own_->state();
    detail::require_as_many(stored, wanted.size());
    for (auto const& [name, tensor] : wanted) {
      Tensor const found = stored.piece(name, tensor.sizes(), 0, tensor.numel());
      if (found.defined()) own[name] = found.view(tensor.sizes());
    }
  }
  own_->restore(own, steps_done, stored.where());
}

}  // namespace vcflash::train
