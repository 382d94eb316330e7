#pragma once

#include <string_view>

namespace vcflash {

namespace detail {

/// How the compiler spells a type.
template <class T>
consteval std::string_view spelled() {
  std::string_view const all = __PRETTY_FUNCTION__;  // "… [with T = a::b; …]", "… [T = a::b]"
  auto const from = all.find("T = ") + 4;
  return all.substr(from, all.find_first_of(";]", from) - from);
}

}  // namespace detail

/// The name of a type without the namespaces and types that it stands in, so that what is declared
/// once need not be said again: `recipes::models::tiny` is "tiny". Of a template its own name
/// alone.
template <class T>
consteval std::string_view type_name() {
  std::string_view name = detail::spelled<T>();
  name = name.substr(0, name.find('<'));
  auto const last = name.rfind(':');
  return last == name.npos ? name : name.substr(last + 1);
}

/// What a component is called: as it says itself, or else by its type.
template <class T>
consteval std::string_view component_name() {
  if constexpr (requires { std::string_view(T::name); }) {
    return T::name;
  } else {
    return type_name<T>();
  }
}

}  // namespace vcflash
