#pragma once

#include <vcflash/meta/reflect.hpp>
#include <vcflash/tensor/parameter.hpp>

#include <c10/util/ArrayRef.h>

#include <string>
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
  Tensor (*initial)() = nullptr;  ///< how it starts, where its role does not say so
};

/// Every parameter of a model in the order of declaration.
/// \param prefix what the keys of this model begin with, with its dot
template <class Model>
std::vector<ParameterRef> parameters_of(Model& model, std::string const& prefix = {}) {
  std::vector<ParameterRef> parameters;
  parameters.reserve(static_cast<std::size_t>(key_count<Model>));
  for_each_parameter(
      model,
      [&]<class P>(std::string const& key, P& parameter) {
        auto& added = parameters.emplace_back(
            ParameterRef{key, {P::shape.data(), P::shape.size()}, P::role, &parameter.value});
        if constexpr (requires { P::initial(); })
          added.initial = [] { return Tensor(P::initial()); };
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
