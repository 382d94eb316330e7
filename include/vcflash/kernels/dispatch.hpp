#pragma once

#include <ATen/core/grad_mode.h>

#include <concepts>
#include <string_view>
#include <type_traits>
#include <utility>

#include <vcflash/meta/separate.hpp>
#include <vcflash/tensor/tensor.hpp>

/// How the body of a kernel is chosen. kernels/x.hpp declares an operation and names its plain
/// definition, `plain::x`: LibTorch's operations, for any device and type, with gradients. Bodies
/// for some processors and operands are its fast paths, in kernels/cpu/ and kernels/cuda/.
namespace vcflash::kernels {

/// Which fast paths this process takes.
enum class FastPaths {
  off,        ///< none
  preferred,  ///< those that nothing of LibTorch's is faster than on this processor
  possible,   ///< all that this processor can run
};

/// What the environment's `VCFLASH_FAST_PATHS` says (off, preferred or possible), read once;
/// `preferred` where it says nothing.  \throws InputError if it says something else
FastPaths fast_paths();

/// Takes others from now on.  \return those taken so far
FastPaths set_fast_paths(FastPaths paths);

namespace detail {
/// How an argument is looked at without taking it.
template <class T>
using Seen = std::conditional_t<std::same_as<T, Tensor>, Tensor const&, T>;

/// \param value null: nothing is said
FastPaths fast_paths_named(char const* value);

template <class T>
bool requires_grad(T const& argument) {
  if constexpr (std::same_as<T, Tensor>) {
    return argument.requires_grad();
  } else {
    return false;
  }
}
}  // namespace detail

/// Whether a gradient will pass one of these, as far as they are tensors.
template <class... Arguments>
bool learns(Arguments const&... arguments) {
  return at::GradMode::is_enabled() && (detail::requires_grad(arguments) || ...);
}

template <class Signature>
struct FastPath;

/// A body of an operation for some processors and operands.
template <class Result, class... Arguments>
struct FastPath<Result(Arguments...)> {
  std::string_view name;   ///< of what it is made for: `AVX-512`
  bool (*can_run)();       ///< whether this processor has what it needs
  bool (*is_preferred)();  ///< whether nothing that LibTorch has is faster where it can run
  bool (*takes)(detail::Seen<Arguments>...);  ///< whether it is for these operands
  Result (*run)(Arguments...);                ///< without gradients
  /// The same numbers with gradients; null while a program has none for it (kernels/gradients.hpp).
  Result (*run_with_gradients)(Arguments...) = nullptr;
};

template <class Signature>
struct Operation;

/// What is computed, and all bodies that there are for it.
template <class Result, class... Arguments>
struct Operation<Result(Arguments...)> {
  using Path = FastPath<Result(Arguments...)>;

  std::string_view name;
  Result (*plain)(Arguments...);
  Path const* paths[4];  ///< the first that may be taken is; null behind the last

  /// The path that these operands take now; null: the plain definition.
  Path const* path_of(detail::Seen<Arguments>... arguments) const {
    FastPaths const taken = fast_paths();
    if (taken == FastPaths::off) return nullptr;
    for (Path const* const path : paths) {
      if (path == nullptr) break;
      if (path->can_run() && (taken == FastPaths::possible || path->is_preferred()) &&
          path->takes(arguments...) &&
          (path->run_with_gradients != nullptr || !learns(arguments...))) {
        return path;
      }
    }
    return nullptr;
  }

  Result operator()(Arguments... arguments) const {
    Path const* const path = path_of(arguments...);
    if (path == nullptr) return plain(std::forward<Arguments>(arguments)...);
    bool const with_gradients = path->run_with_gradients != nullptr && learns(arguments...);
    return (with_gradients ? path->run_with_gradients
                           : path->run)(std::forward<Arguments>(arguments)...);
  }
};

}  // namespace vcflash::kernels

#ifndef VCFLASH_SEPARATE
#include <vcflash/kernels/dispatch.ipp>
#endif
