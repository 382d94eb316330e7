#pragma once

#include <ATen/core/grad_mode.h>

#include <algorithm>
#include <iterator>
#include <utility>

#include <vcflash/base/error.hpp>
#include <vcflash/tensor/aten.hpp>
#include <vcflash/train/sharded_parameters.hpp>

namespace vcflash::train {

VCFLASH_INLINE ShardedParameters::ShardedParameters(PartUnits encoder, PartUnits llm,
                                                    ParameterUnit rest, dist::ProcessGroup& group)
    : group_(group) {
  auto const carries = [](ParameterRef const& parameter) {
    return parameter.value->requires_grad();
  };
  for (auto* const more : {&encoder.rest, &llm.rest}) {
    rest.insert(rest.end(), std::make_move_iterator(more->begin()),
                std::make_move_iterator(more->end()));
  }
  // A unit is trained as a whole or not at all.
  ParameterUnit frozen;
  auto const middle = std::stable_partition(rest.begin(), rest.end(), carries);
  frozen.assign(std::make_move_iterator(middle), std::make_move_iterator(rest.end()));
  rest.erase(middle, rest.end());
  add(std::move(rest));
  add(std::move(frozen));
  rest_ = units_.size();
  encoder_ = encoder.layers.size();
  llm_ = llm.layers.size();
  for (auto* const part : {&encoder, &llm}) {
    for (auto& layer : part->layers) add(std::move(layer));
  }
  for (auto& unit : units_) cut(unit);
}

VCFLASH_INLINE void ShardedParameters::add(ParameterUnit parameters) {
  if (parameters.empty()) return;
  auto& unit = units_.emplace_back();
  unit.trained = parameters.front().value->requires_grad();
  unit.parameters = std::move(parameters);
}

VCFLASH_INLINE void ShardedParameters::cut(Unit& unit) {
  at::NoGradGuard const no_grad;
  auto const options = unit.parameters.front().value->options().requires_grad(false);
  std::int64_t size = 0;
  for (auto const& parameter : unit.parameters) {
    size += FlatLayout::aligned(parameter.value->numel());
  }
  size = FlatLayout::padded(size, group_.size());
  unit.whole = aten::zeros({size}, options);
  std::int64_t offset = 0;
  for (auto const& parameter : unit.parameters) {
    Tensor& value = *parameter.value;
    if (value.requires_grad() != unit.trained) fail("a layer is trained in part only");
    Tensor const place = unit.whole.narrow(0, offset, value.numel()).view(value.sizes());
    place.copy_(value.detach());
    // From now on the parameter is wherever the unit is.
    value.set_data(place);
    offset += FlatLayout::aligned(value.numel());
  }
  group_.broadcast(unit.whole).wait();
  auto const part = size / group_.size();
  unit.part = unit.whole.narrow(0, group_.rank() * part, part).clone();
  release(static_cast<std::size_t>(&unit - units_.data()));
}

VCFLASH_INLINE std::vector<std::vector<std::string>> ShardedParameters::trained_keys() const {
  std::vector<std::vector<std::string>> keys;
  for (auto const& unit : units_) {
    if (!unit.trained) continue;
    auto& own = keys.emplace_back();
    for (auto const& parameter : unit.parameters) own.push_back(parameter.key);
  }
  return keys;
}

VCFLASH_INLINE Tensor const& ShardedParameters::part_with(std::string const& key) const {
  for (auto const& unit : units_) {
    if (std::ranges::find(unit.parameters, key, &ParameterRef::key) != unit.parameters.end()) {
      return unit.part;
    }
  }
  fail("no unit has a parameter ", key);
}

VCFLASH_INLINE std::vector<std::size_t> ShardedParameters::order_of_use(std::int64_t passes) const {
  std::vector<std::size_t> order;
  for (std::int64_t pass = 0; pass < passes; ++pass) {
    for (std::size_t layer = 0; layer < encoder_; ++layer) order.push_back(rest_ + layer);
  }
  for (std::size_t layer = 0; layer < llm_; ++layer) order.push_back(rest_ + encoder_ + layer);
  return order;
}

VCFLASH_INLINE void ShardedParameters::begin(std::size_t index) {
  auto& unit = units_[index];
  if (unit.there || unit.pending) return;
  auto* const storage = unit.whole.storage().unsafeGetStorageImpl();
  auto const bytes = static_cast<std::size_t>(unit.whole.numel()) * unit.whole.element_size();
  storage->set_data_ptr_noswap(storage->allocator()->allocate(bytes));
  storage->set_nbytes(bytes);
  unit.pending = group_.all_gather(unit.whole, unit.part);
}

VCFLASH_INLINE void ShardedParameters::gather(std::size_t index) {
  begin(index);
  auto& unit = units_[index];
  unit.pending.wait();
  unit.there = true;
}

VCFLASH_INLINE void ShardedParameters::release(std::size_t index) {
  auto& unit = units_[index];
  unit.pending.wait();
  // What autograd keeps of the parameters refers to this memory, and finds it again in the next
  // `gather`.
  auto* const storage = unit.whole.storage().unsafeGetStorageImpl();
  storage->set_data_ptr_noswap(at::DataPtr(nullptr, unit.whole.device()));
  storage->set_nbytes(0);
  unit.there = false;
}

VCFLASH_INLINE void ShardedParameters::gather_rest() {
  for (std::size_t unit = 0; unit < rest_; ++unit) gather(unit);
}

VCFLASH_INLINE void ShardedParameters::gather_all() {
  for (std::size_t unit = 0; unit < units_.size(); ++unit) gather(unit);
}

VCFLASH_INLINE void ShardedParameters::release_all() {
  for (std::size_t unit = 0; unit < units_.size(); ++unit) release(unit);
}

VCFLASH_INLINE std::int64_t ShardedParameters::bytes() const {
  std::size_t bytes = 0;
  for (auto const& unit : units_) bytes += unit.part.nbytes() + unit.whole.storage().nbytes();
  return static_cast<std::int64_t>(bytes);
}

}  // namespace vcflash::train
