#pragma once

#include <vcflash/kernels/cpu/vectors.hpp>

#ifdef __x86_64__
#include <immintrin.h>

/// Of sixteen numbers side by side, what C++ has no operators for.
namespace vcflash::kernels::cpu {

// GCC 12 warns of what the intrinsics without a mask leave undefined.
constexpr __mmask16 all_lanes = 0xffff;

/// The greater of each two; a NaN of `b` stays.
VCFLASH_AVX512 inline Floats max(Floats a, Floats b) {
  return (Floats)_mm512_maskz_max_ps(all_lanes, (__m512)a, (__m512)b);
}

VCFLASH_AVX512 inline float max_of(Floats x) {
  x = max(x, rotated<8>(x));
  x = max(x, rotated<4>(x));
  x = max(x, rotated<2>(x));
  x = max(x, rotated<1>(x));
  return x[0];
}

/// 2^x to 2 units in the last place: a power of two times a polynomial of what x has behind the
/// point (minimax in relative error on [0, 1]).
VCFLASH_AVX512 inline Floats exp2(Floats x) {
  constexpr int down = 1;  // how VREDUCEPS rounds
  auto const rest = (Floats)_mm512_maskz_reduce_ps(all_lanes, (__m512)x, down);
  Floats polynomial = broadcast(1.877784128e-3F);
  polynomial = polynomial * rest + 8.989127362e-3F;
  polynomial = polynomial * rest + 5.58261729e-2F;
  polynomial = polynomial * rest + 2.401538184e-1F;
  polynomial = polynomial * rest + 6.931530239e-1F;
  polynomial = polynomial * rest + 9.999999267e-1F;
  return (Floats)_mm512_maskz_scalef_ps(all_lanes, (__m512)polynomial, (__m512)x);
}

}  // namespace vcflash::kernels::cpu

#else

#include <cmath>

namespace vcflash::kernels::cpu {

inline Floats exp2(Floats x) {
  for (std::int64_t lane = 0; lane < lanes; ++lane) x[lane] = std::exp2(x[lane]);
  return x;
}

}  // namespace vcflash::kernels::cpu

#endif
