#pragma once

#include <vcflash/kernels/cpu/processor.hpp>

#include <c10/util/BFloat16.h>

#include <cstdint>
#include <cstring>

namespace vcflash::kernels::cpu {

/// Sixteen numbers, side by side.
using Floats = float __attribute__((vector_size(64)));
using FloatBits = std::uint32_t __attribute__((vector_size(64)));
using Bf16Bits = std::uint16_t __attribute__((vector_size(32)));
constexpr std::int64_t lanes = 16;

VCFLASH_AVX512 inline Floats load(float const* from) {
  Floats floats;
  std::memcpy(&floats, from, sizeof floats);
  return floats;
}

VCFLASH_AVX512 inline Floats load(c10::BFloat16 const* from) {
  Bf16Bits narrow;
  std::memcpy(&narrow, from, sizeof narrow);
  return reinterpret_cast<Floats>(__builtin_convertvector(narrow, FloatBits) << 16);
}

VCFLASH_AVX512 inline void store(float* to, Floats floats) {
  std::memcpy(to, &floats, sizeof floats);
}

VCFLASH_AVX512 inline Floats broadcast(float number) { return Floats{} + number; }

/// What bf16 keeps of numbers: the nearest, of two equally near the even one.
VCFLASH_AVX512 inline Floats rounded(Floats floats) {
  auto const bits = reinterpret_cast<FloatBits>(floats);
  auto const nearest = (bits + 0x7fff + ((bits >> 16) & 1)) & 0xffff0000;
  auto const is_nan = reinterpret_cast<FloatBits>(floats != floats);
  return reinterpret_cast<Floats>((nearest & ~is_nan) | (is_nan & 0x7fc00000));
}

VCFLASH_AVX512 inline void store(c10::BFloat16* to, Floats floats) {
  auto const narrow =
      __builtin_convertvector(reinterpret_cast<FloatBits>(rounded(floats)) >> 16, Bf16Bits);
  std::memcpy(to, &narrow, sizeof narrow);
}

/// Lanes rotated towards the first.
template <int Places>
VCFLASH_AVX512 inline Floats rotated(Floats x) {
  return __builtin_shufflevector(
      x, x, Places, (1 + Places) % 16, (2 + Places) % 16, (3 + Places) % 16, (4 + Places) % 16,
      (5 + Places) % 16, (6 + Places) % 16, (7 + Places) % 16, (8 + Places) % 16, (9 + Places) % 16,
      (10 + Places) % 16, (11 + Places) % 16, (12 + Places) % 16, (13 + Places) % 16,
      (14 + Places) % 16, (15 + Places) % 16);
}

VCFLASH_AVX512 inline float sum_of(Floats x) {
  x += rotated<8>(x);
  x += rotated<4>(x);
  x += rotated<2>(x);
  x += rotated<1>(x);
  return x[0];
}

}  // namespace vcflash::kernels::cpu
