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
  for (auto* const more : {&encoder.rest, &llm.rest}) {
    rest.insert(rest.end(), std::make_move_iterator(more->begin()),
                std::make_move_iterator(more->end()));
  }
  add(std::move(rest));
  encoder_ = encoder.layers.size();
  llm_ = llm.layers.size();
  for (auto* const part : {&encoder, &llm}) {
    for (auto& layer : part->layers) add(std::move(layer));
  }
  for (auto& unit : units_) cut(unit);
}

VCFLASH_INLINE void ShardedParameters::add(ParameterUnit parameters) {
  auto const first = units_.size();
  for (auto& parameter : parameters) {
    bool const trained = parameter.value->requires_grad();
    auto const dtype = parameter.value->scalar_type();
    auto const begin = units_.begin() + static_cast<std::ptrdiff_t>(first);
    auto unit = std::find_if(begin, units_.end(), [&](Unit const& u) {
      return u.trained == trained && u.parameters.front().value->scalar_type() == dtype;
    });
    if (unit == units_.end()) {
      unit = units_.insert(units_.end(), Unit{});
      unit->trained = trained;
    }
    unit->parameters.push_back(std::move(parameter));
  }
  together_.push_back({first, units_.size()});
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
    Tensor const place = unit.whole.narrow(0, offset, value.numel()).view(value.sizes());
    place.copy_(value.detach());
    // From now on the parameter is wherever the unit is.
    value.set_data(place);
    offset += FlatLayout::aligned(value.numel());
  }
  group_.broadcast(unit.whole).wait();
  auto const part = size / group_.size();
  unit.part = unit.whole.narrow(0, group_.rank() * part, part).clone();
  release(unit);
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
  constexpr std::size_t layers = 1;  // behind what has no layers
  std::vector<std::size_t> order;
  for (std::int64_t pass = 0; pass < passes; ++pass) {
    for (std::size_t layer = 0; layer < encoder_; ++layer) order.push_back(layers + layer);
  }
  for (std::size_t layer = 0; layer < llm_; ++layer) order.push_back(layers + encoder_ + layer);
  return order;
}

VCFLASH_INLINE std::span<ShardedParameters::Unit> ShardedParameters::units_of(std::size_t layer) {
  auto const [begin, end] = together_[layer];
  return std::span(units_).subspan(begin, end - begin);
}

VCFLASH_INLINE void ShardedParameters::begin(Unit& unit) {
  if (unit.there || unit.pending) return;
  auto* const storage = unit.whole.storage().unsafeGetStorageImpl();
  auto const bytes = static_cast<std::size_t>(unit.whole.numel()) * unit.whole.element_size();
  storage->set_data_ptr_noswap(storage->allocator()->allocate(bytes));
  storage->set_nbytes(bytes);
  unit.pending = group_.all_gather(unit.whole, unit.part);
}

VCFLASH_INLINE void ShardedParameters::release(Unit& unit) {
  unit.pending.wait();
  // What autograd keeps of the parameters refers to this memory, and finds it again in the next
  // `gather`.
  auto* const storage = unit.whole.storage().unsafeGetStorageImpl();
  storage->set_data_ptr_noswap(at::DataPtr(nullptr, unit.whole.device()));
  storage->set_nbytes(0);
  unit.there = false;
}

VCFLASH_INLINE void ShardedParameters::begin(std::size_t layer) {
  for (auto& unit : units_of(layer)) begin(unit);
}

VCFLASH_INLINE void ShardedParameters::gather(std::size_t layer) {
  begin(layer);
  for (auto& unit : units_of(layer)) {
    unit.pending.wait();
    unit.there = true;
  }
}

VCFLASH_INLINE void ShardedParameters::release(std::size_t layer) {
  for (auto& unit : units_of(layer)) release(unit);
}

VCFLASH_INLINE void ShardedParameters::gather_rest() { gather(0); }

VCFLASH_INLINE void ShardedParameters::gather_all() {
  for (std::size_t layer = 0; layer < together_.size(); ++layer) gather(layer);
}

VCFLASH_INLINE void ShardedParameters::release_all() {
  for (std::size_t layer = 0; layer < together_.size(); ++layer) release(layer);
}

VCFLASH_INLINE std::int64_t ShardedParameters::bytes() const {
  std::size_t bytes = 0;
  for (auto const& unit : units_) bytes += unit.part.nbytes() + unit.whole.storage().nbytes();
  return static_cast<std::int64_t>(bytes);
}

}  // namespace vcflash::train
