#pragma once

#include <vcflash/tensor/aten.hpp>
#include <vcflash/tensor/tensor.hpp>

#include <ATen/TensorIterator.h>
#include <ATen/core/grad_mode.h>
#include <c10/util/BFloat16.h>

#include <cstdint>
#include <cstring>

#ifdef __x86_64__
#include <cpuid.h>
#endif

/// What fast paths on CPUs are made of. They are compiled for AVX-512 whatever the rest of a
/// program is compiled for, and taken where the processor has it.
#ifdef __x86_64__
#define VCFLASH_AVX512 [[gnu::target("avx512f,avx512bw,avx512dq,avx512vl,fma")]]
#else
#define VCFLASH_AVX512
#endif

namespace vcflash::kernels::cpu {

inline bool has_avx512() {
#ifdef __x86_64__
  static bool const has = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                          __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
  return has;
#else
  return false;
#endif
}

/// Whether there are tiles of bf16, by which LibTorch is the fastest where it uses them.
inline bool has_amx() {
#ifdef __x86_64__
  unsigned a = 0, b = 0, c = 0, d = 0;
  return __get_cpuid_count(7, 0, &a, &b, &c, &d) != 0 && (d >> 22 & 1) != 0;
#else
  return false;
#endif
}

/// Whether a gradient will pass one of these.
template <class... Tensors>
bool learns(Tensors const&... tensors) {
  return at::GradMode::is_enabled() && (tensors.requires_grad() || ...);
}

/// Whether tensors are in bf16 on this processor, which has AVX-512, and no gradient will pass
/// them.
template <class... Tensors>
bool takes_halves(Tensors const&... tensors) {
  auto const fits = [](Tensor const& tensor) {
    return tensor.is_cpu() && tensor.scalar_type() == at::kBFloat16;
  };
  return has_avx512() && !learns(tensors...) && (fits(tensors) && ...);
}

/// Whether they are dense besides.
template <class... Tensors>
bool takes_fast_path(Tensors const&... tensors) {
  return takes_halves(tensors...) && (tensors.is_contiguous() && ...);
}

/// Calls f(begin, end) for parts of [0, count) of at least `grain`, on LibTorch's own threads.
template <class F>
void in_parallel(std::int64_t count, std::int64_t grain, F const& f) {
  // at::parallel_for would need OpenMP here, and with it a second runtime beside LibTorch's. An
  // iterator over a tensor of as many bytes has LibTorch itself divide the range.
  Tensor places = aten::empty({count}, at::kChar);
  auto const* const first = static_cast<char const*>(places.const_data_ptr());
  auto iterator = at::TensorIterator::nullary_op(places);
  iterator.for_each(
      [&](char** data, std::int64_t const* /*strides*/, std::int64_t size, std::int64_t times) {
        std::int64_t const begin = data[0] - first;
        f(begin, begin + size * times);
      },
      grain);
}

/// Sixteen numbers, side by side.
using Floats = float __attribute__((vector_size(64)));
using FloatBits = std::uint32_t __attribute__((vector_size(64)));
using HalfBits = std::uint16_t __attribute__((vector_size(32)));
constexpr std::int64_t lanes = 16;

VCFLASH_AVX512 inline Floats load(float const* from) {
  Floats floats;
  std::memcpy(&floats, from, sizeof floats);
  return floats;
}

VCFLASH_AVX512 inline Floats load(c10::BFloat16 const* from) {
  HalfBits halves;
  std::memcpy(&halves, from, sizeof halves);
  return reinterpret_cast<Floats>(__builtin_convertvector(halves, FloatBits) << 16);
}

VCFLASH_AVX512 inline void store(float* to, Floats floats) {
  std::memcpy(to, &floats, sizeof floats);
}

VCFLASH_AVX512 inline Floats all(float number) { return Floats{} + number; }

/// What bf16 keeps of numbers: the nearest, of two equally near the even one.
VCFLASH_AVX512 inline Floats rounded(Floats floats) {
  auto const bits = reinterpret_cast<FloatBits>(floats);
  auto const nearest = (bits + 0x7fff + ((bits >> 16) & 1)) & 0xffff0000;
  auto const no_number = reinterpret_cast<FloatBits>(floats != floats);
  return reinterpret_cast<Floats>((nearest & ~no_number) | (no_number & 0x7fc00000));
}

VCFLASH_AVX512 inline void store(c10::BFloat16* to, Floats floats) {
  auto const halves =
      __builtin_convertvector(reinterpret_cast<FloatBits>(rounded(floats)) >> 16, HalfBits);
  std::memcpy(to, &halves, sizeof halves);
}

/// Each number as far to the front, in a circle.
template <int Places>
VCFLASH_AVX512 inline Floats turned(Floats x) {
  return __builtin_shufflevector(
      x, x, Places, (1 + Places) % 16, (2 + Places) % 16, (3 + Places) % 16, (4 + Places) % 16,
      (5 + Places) % 16, (6 + Places) % 16, (7 + Places) % 16, (8 + Places) % 16, (9 + Places) % 16,
      (10 + Places) % 16, (11 + Places) % 16, (12 + Places) % 16, (13 + Places) % 16,
      (14 + Places) % 16, (15 + Places) % 16);
}

VCFLASH_AVX512 inline float sum_of(Floats x) {
  x += turned<8>(x);
  x += turned<4>(x);
  x += turned<2>(x);
  x += turned<1>(x);
  return x[0];
}

}  // namespace vcflash::kernels::cpu
