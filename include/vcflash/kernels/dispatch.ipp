#pragma once

#include <atomic>
#include <cstdlib>
#include <string_view>

#include <vcflash/base/error.hpp>
#include <vcflash/kernels/dispatch.hpp>

namespace vcflash::kernels {

namespace detail {

VCFLASH_INLINE FastPaths fast_paths_named(char const* value) {
  std::string_view const name = value != nullptr ? value : "preferred";
  if (name == "off") return FastPaths::off;
  if (name == "preferred") return FastPaths::preferred;
  if (name == "possible") return FastPaths::possible;
  fail<InputError>("the environment's VCFLASH_FAST_PATHS is \"", name,
                   "\", but should be off, preferred or possible");
}

VCFLASH_INLINE std::atomic<FastPaths>& fast_paths_taken() {
  static std::atomic taken = fast_paths_named(std::getenv("VCFLASH_FAST_PATHS"));
  return taken;
}

}  // namespace detail

VCFLASH_INLINE FastPaths fast_paths() {
  return detail::fast_paths_taken().load(std::memory_order_relaxed);
}

VCFLASH_INLINE FastPaths set_fast_paths(FastPaths paths) {
  return detail::fast_paths_taken().exchange(paths);
}

}  // namespace vcflash::kernels
