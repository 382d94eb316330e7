#pragma once

#include <boost/hana/accessors.hpp>
#include <boost/hana/concept/struct.hpp>
#include <boost/hana/core/to.hpp>
#include <boost/hana/define_struct.hpp>
#include <boost/hana/for_each.hpp>
#include <boost/hana/length.hpp>
#include <boost/hana/pair.hpp>
#include <boost/hana/string.hpp>
#include <boost/hana/unpack.hpp>

#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

/// A model is an aggregate of layers whose members Boost.Hana describes; everything here is
/// derived from that one description. The names of the members are the checkpoint's keys.
namespace vcflash {

/// A leaf of a model: a tensor whose shape is part of its type.
template <class T>
concept ParameterLike = requires {
  { T::count } -> std::convertible_to<std::int64_t>;
  T::shape.size();
  T::role;
};

/// An aggregate described by `BOOST_HANA_DEFINE_STRUCT`.
template <class T>
concept Reflected = boost::hana::Struct<T>::value;

/// A member that a configuration leaves out: no parameter, no key.
struct Absent {
  BOOST_HANA_DEFINE_STRUCT(Absent);
};

/// Layers that are numbered rather than named, as the children of `torch::nn::Sequential`.
template <class... Layers>
struct Numbered {
  using Children = std::tuple<Layers...>;
  Children layers;
};

namespace detail {

template <class T>
inline constexpr std::size_t repeated = 0;  // how many times an array repeats its layer
template <class T, std::size_t N>
inline constexpr std::size_t repeated<std::array<T, N>> = N;

template <class T>
concept Array = repeated<std::remove_cvref_t<T>> >
0;
template <class T>
concept NumberedLayers = requires {
  typename std::remove_cvref_t<T>::Children;
};

/// An aggregate may give its members other key prefixes than their names and a dot.
template <class T>
concept Prefixed = requires {
  T::key_prefixes.size();
};

/// Calls `f(name, member)` for every member of an aggregate, in the order of declaration.
template <class Aggregate, class F>
constexpr void for_each_member(Aggregate& aggregate, F&& f) {
  using Plain = std::remove_const_t<Aggregate>;
  static_assert(Reflected<Plain>, "a layer describes its members with BOOST_HANA_DEFINE_STRUCT");
  boost::hana::for_each(boost::hana::accessors<Plain>(), [&](auto member) {
    f(boost::hana::to<char const*>(boost::hana::first(member)),
      boost::hana::second(member)(aggregate));
  });
}

/// Whether an aggregate that spells its members' prefixes does so for each, and for each another.
template <class T>
consteval bool prefixes_fit() {
  constexpr auto members = decltype(boost::hana::length(boost::hana::accessors<T>()))::value;
  if (T::key_prefixes.size() != members) return false;
  for (std::size_t i = 0; i < members; ++i) {
    for (std::size_t j = 0; j < i; ++j) {
      if (std::string_view(T::key_prefixes[i]) == std::string_view(T::key_prefixes[j]))
        return false;
    }
  }
  return true;
}

template <class T>
inline constexpr bool is_frozen = false;
template <class T>
requires requires { T::frozen; }
inline constexpr bool is_frozen<T> = T::frozen;
template <class T>
requires requires { T::trainable; }
inline constexpr bool is_frozen<T> = !T::trainable;

template <class Tally, class T>
consteval std::int64_t sum_over_parameters() {
  if constexpr (Tally::skips_frozen && is_frozen<T>) {
    return 0;
  } else if constexpr (ParameterLike<T>) {
    return Tally::template of<T>();
  } else if constexpr (Array<T>) {
    return static_cast<std::int64_t>(repeated<T>) *
           sum_over_parameters<Tally, typename T::value_type>();
  } else if constexpr (NumberedLayers<T>) {
    return []<class... Layers>(std::type_identity<std::tuple<Layers...>>) {
      return (std::int64_t{0} + ... + sum_over_parameters<Tally, Layers>());
    }(std::type_identity<typename T::Children>{});
  } else {
    static_assert(Reflected<T>, "a layer describes its members with BOOST_HANA_DEFINE_STRUCT");
    return boost::hana::unpack(boost::hana::accessors<T>(), [](auto... member) {
      return (std::int64_t{0} + ... +
              sum_over_parameters<Tally, std::remove_cvref_t<decltype(boost::hana::second(member)(
                                             std::declval<T&>()))>>());
    });
  }
}

struct Elements {
  static constexpr bool skips_frozen = false;
  template <class P>
  static consteval std::int64_t of() {
    return P::count;
  }
};
struct TrainableElements : Elements {
  static constexpr bool skips_frozen = true;
};
struct Keys {
  static constexpr bool skips_frozen = false;
  template <class P>
  static consteval std::int64_t of() {
    return 1;
  }
};

}  // namespace detail

/// Number of elements of all parameters of a model, tied ones once.
template <class Model>
inline constexpr std::int64_t parameter_count =
    detail::sum_over_parameters<detail::Elements, Model>();

/// Number of elements that a training may change: those that stand in nothing `Frozen`.
template <class Model>
inline constexpr std::int64_t trainable_count =
    detail::sum_over_parameters<detail::TrainableElements, Model>();

/// Number of tensors, which is the number of checkpoint keys.
template <class Model>
inline constexpr std::int64_t key_count = detail::sum_over_parameters<detail::Keys, Model>();

/// A layer whose parameters no training changes, whatever the stage trains.
template <class Layer>
struct Frozen : Layer {
  static constexpr bool frozen = true;
};

namespace detail {
template <class Model, class F>
void visit_parameters(Model& model, F& f, std::string const& prefix, bool trainable) {
  using Plain = std::remove_const_t<Model>;
  if constexpr (requires { Plain::frozen; }) trainable = false;
  if constexpr (ParameterLike<Plain>) {
    if constexpr (requires { f(prefix, model, trainable); }) {
      f(prefix, model, trainable);
    } else {
      f(prefix, model);
    }
  } else if constexpr (Array<Plain>) {
    for (std::size_t i = 0; i < model.size(); ++i) {
      visit_parameters(model[i], f, prefix + std::to_string(i) + ".", trainable);
    }
  } else if constexpr (NumberedLayers<Plain>) {
    std::apply(
        [&](auto&... layer) {
          std::size_t i = 0;
          (visit_parameters(layer, f, prefix + std::to_string(i++) + ".", trainable), ...);
        },
        model.layers);
  } else {
    if constexpr (Prefixed<Plain>) {
      static_assert(prefixes_fit<Plain>(),
                    "key_prefixes has one prefix a member, and no two that are the same");
    }
    std::size_t index = 0;
    for_each_member(model, [&](char const* member, auto& value) {
      std::string name = prefix;
      if constexpr (Prefixed<Plain>) {
        name += Plain::key_prefixes[index++];
      } else {
        name += member;
        if constexpr (!ParameterLike<std::remove_cvref_t<decltype(value)>>) name += '.';
      }
      visit_parameters(value, f, name, trainable);
    });
  }
}
}  // namespace detail

/// Calls `f(key, parameter)`, or `f(key, parameter, trainable)` if it takes that, for every
/// parameter in the order of declaration. What stands in `Frozen` is not trainable.
/// \param prefix what the keys of this model begin with, with its dot
template <class Model, class F>
void for_each_parameter(Model& model, F&& f, std::string const& prefix = {}) {
  detail::visit_parameters(model, f, prefix, true);
}

/// A parameter as its checkpoint spells it.
struct KeyAndShape {
  std::string key;
  std::vector<std::int64_t> shape;
};

/// Every key of a model with its shape, without allocating a tensor.
template <class Model>
std::vector<KeyAndShape> keys_of(std::string const& prefix = {}) {
  std::vector<KeyAndShape> keys;
  keys.reserve(key_count<Model>);
  Model const model{};
  for_each_parameter(
      model,
      [&](std::string const& key, auto const& parameter) {
        keys.push_back({key, {parameter.shape.begin(), parameter.shape.end()}});
      },
      prefix);
  return keys;
}

}  // namespace vcflash
