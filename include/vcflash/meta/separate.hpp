#pragma once

/// Functions that depend on no recipe stand in files `x.ipp` beside the `x.hpp` that declares
/// them. Headers alone include them, which is all that a user of single components needs. Where
/// `VCFLASH_SEPARATE` is defined they are left out, and come from a library that compiled them
/// once for all programs (`vcflash_separate`, and `vcflash_separate_input` of what includes no
/// LibTorch, in recipes/vcflash-recipes.cmake).
#ifdef VCFLASH_SEPARATE
#define VCFLASH_INLINE
#else
#define VCFLASH_INLINE inline
#endif
