#pragma once

#include <cstddef>
#include <functional>
#include <tuple>
#include <type_traits>
#include <vector>

#include <vcflash/meta/reflect.hpp>
#include <vcflash/tensor/parameter_list.hpp>

namespace vcflash::train {

/// Parameters that are used together: those of one layer, or what stands beside the layers.
using ParameterUnit = std::vector<ParameterRef>;

namespace detail {

/// Calls `f(begin, end)` with the addresses of every layer that a model repeats, in order.
template <class Model, class F>
void for_each_layer(Model& model, F const& f) {
  if constexpr (ParameterLike<Model>) {
    return;
  } else if constexpr (vcflash::detail::Array<Model>) {
    for (auto& layer : model) {
      auto const* const begin = reinterpret_cast<std::byte const*>(&layer);
      f(begin, begin + sizeof layer);
    }
  } else if constexpr (vcflash::detail::NumberedLayers<Model>) {
    std::apply([&](auto&... layer) { (for_each_layer(layer, f), ...); }, model.layers);
  } else {
    vcflash::detail::for_each_member(model,
                                     [&](char const*, auto& member) { for_each_layer(member, f); });
  }
}

}  // namespace detail

/// A part's parameters by the layers that it repeats, in the order in which they run.
struct PartUnits {
  std::vector<ParameterUnit> layers;
  ParameterUnit rest;
};

/// \param prefix what the part's keys begin with
template <class Part>
PartUnits units_of(Part& part, std::string const& prefix) {
  PartUnits units;
  std::vector<std::pair<std::byte const*, std::byte const*>> layers;
  detail::for_each_layer(
      part, [&](std::byte const* begin, std::byte const* end) { layers.emplace_back(begin, end); });
  units.layers.resize(layers.size());
  for (auto& parameter : parameters_of(part, prefix)) {
    // A model is one aggregate, so a layer's parameters lie within it.
    auto const* const at = reinterpret_cast<std::byte const*>(parameter.value);
    std::size_t layer = 0;
    std::less<> const before;
    while (layer < layers.size() &&
           (before(at, layers[layer].first) || !before(at, layers[layer].second))) {
      ++layer;
    }
    (layer < layers.size() ? units.layers[layer] : units.rest).push_back(std::move(parameter));
  }
  return units;
}

}  // namespace vcflash::train
