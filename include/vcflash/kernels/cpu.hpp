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

/// e^x to 2 units in the last place, for x as if it were from -87 to 88: a power of two times a
/// polynomial (S. Moshier's, Cephes).
VCFLASH_AVX512 inline Floats exp(Floats x) {
  x = x < all(-87) ? all(-87) : x;
  x = x > all(88) ? all(88) : x;
  // Where it is added, a number's last bit is worth one.
  constexpr float whole = 3 << 22;
  Floats const shifted = x * 1.44269504F + whole;
  Floats const power = shifted - whole;
  Floats const r = x - power * 0.693359375F + power * 2.12194440e-4F;
  Floats polynomial = all(1.9875691500e-4F);
  polynomial = polynomial * r + 1.3981999507e-3F;
  polynomial = polynomial * r + 8.3334519073e-3F;
  polynomial = polynomial * r + 4.1665795894e-2F;
  polynomial = polynomial * r + 1.6666665459e-1F;
  polynomial = polynomial * r + 5.0000001201e-1F;
  polynomial = polynomial * r * r + r + 1;
  auto const exponent = reinterpret_cast<FloatBits>(shifted) + 127;
  return polynomial * reinterpret_cast<Floats>(exponent << 23);
}

VCFLASH_AVX512 inline float sum_of(Floats floats) {
  float sums[lanes];
  std::memcpy(sums, &floats, sizeof sums);
  for (std::int64_t width = lanes / 2; width > 0; width /= 2) {
    for (std::int64_t lane = 0; lane < width; ++lane) sums[lane] += sums[lane + width];
  }
  return sums[0];
}

VCFLASH_AVX512 inline float greatest_of(Floats floats) {
  float greatest[lanes];
  std::memcpy(greatest, &floats, sizeof greatest);
  for (std::int64_t width = lanes / 2; width > 0; width /= 2) {
    for (std::int64_t lane = 0; lane < width; ++lane) {
      greatest[lane] =
          greatest[lane] > greatest[lane + width] ? greatest[lane] : greatest[lane + width];
    }
  }
  return greatest[0];
}

}  // namespace vcflash::kernels::cpu
