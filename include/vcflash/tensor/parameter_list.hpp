#pragma once

#include <vcflash/meta/reflect.hpp>
#include <vcflash/tensor/parameter.hpp>

#include <ATen/core/Generator.h>
#include <c10/core/ScalarType.h>
#include <c10/util/ArrayRef.h>

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace vcflash {

/// A model's parameter without its type, so that what is done to all parameters alike is compiled
/// once and not once a model. Refers to the model, which must stay where it is.
struct ParameterRef {
  std::string key;  ///< as checkpoints spell it
  at::IntArrayRef shape;
  Role role;
  Tensor* value;
  Tensor (*initial)(at::Generator&) = nullptr;  ///< how it starts, where its role does not say so
  bool trainable = true;                        ///< whether a stage that trains its part changes it
  std::optional<at::ScalarType> dtype = {};     ///< its own, if the model's is not
  bool added = false;       ///< stands beside a network whose checkpoints know nothing of it
  std::string made_from{};  ///< key that it is made from where its own is missing
  Tensor (*converted)(Tensor const& stored) = nullptr;

  at::ScalarType dtype_in(at::ScalarType model) const { return dtype.value_or(model); }
};

namespace detail {
/// The key of a sibling: `a.b.weight_scale` and `weight` give `a.b.weight`.
inline std::string sibling_key(std::string const& key, std::string_view name) {
  return key.substr(0, key.rfind('.') + 1).append(name);
}
}  // namespace detail

/// Every parameter of a model in the order of declaration.
/// \param prefix what the keys of this model begin with, with its dot
template <class Model>
std::vector<ParameterRef> parameters_of(Model& model, std::string const& prefix = {}) {
  std::vector<ParameterRef> parameters;
  parameters.reserve(static_cast<std::size_t>(key_count<Model>));
  for_each_parameter(
      model,
      [&]<class P>(std::string const& key, P& parameter, bool trainable) {
        auto& added = parameters.emplace_back(
            ParameterRef{key, {P::shape.data(), P::shape.size()}, P::role, &parameter.value});
        added.trainable = trainable;
        if constexpr (requires(at::Generator & generator) { P::initial(generator); }) {
          added.initial = &P::initial;
        } else if constexpr (requires { P::initial(); }) {
          added.initial = [](at::Generator&) { return Tensor(P::initial()); };
        }
        if constexpr (requires { P::added; }) added.added = P::added;
        if constexpr (requires { P::trainable; }) added.trainable = trainable && P::trainable;
        if constexpr (requires { P::dtype; }) added.dtype = P::dtype;
        if constexpr (requires { P::made_from; }) {
          added.made_from = detail::sibling_key(key, P::made_from);
          added.converted = &P::converted;
        }
      },
      prefix);
  return parameters;
}

/// Tensors by name, in an order that matters to who writes them.
using NamedTensors = std::vector<std::pair<std::string, Tensor>>;

/// The tensors of a model under their keys, in the order of declaration.
template <class Model>
NamedTensors named_parameters(Model const& model, std::string const& prefix = {}) {
  NamedTensors tensors;
  // A tensor is a handle; nothing is written through these references.
  for (auto& parameter : parameters_of(const_cast<Model&>(model), prefix)) {
    tensors.emplace_back(std::move(parameter.key), *parameter.value);
  }
  return tensors;
}

}  // namespace vcflash
