#pragma once

#include <string_view>

namespace vcflash::app {

/// The git commit that the programs of a build are compiled from, with "+" behind it where the tree
/// had changes that were not committed; empty where it is not known: a tree without git, or a
/// program that includes headers alone. It is as of the last time that CMake configured.
#ifdef VCFLASH_SEPARATE
std::string_view build_commit();  // defined by recipes/vcflash-recipes.cmake
#else
inline std::string_view build_commit() { return {}; }
#endif

}  // namespace vcflash::app
