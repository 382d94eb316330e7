#pragma once

#include <vcflash/tensor/tensor.hpp>

#ifdef __x86_64__
#include <cpuid.h>
#endif

/// What this processor has. Fast paths are compiled for AVX-512 whatever the rest of a program is
/// compiled for.
#ifdef __x86_64__
#define VCFLASH_AVX512 [[gnu::target("avx512f,avx512bw,avx512dq,avx512vl,fma")]]
#define VCFLASH_AVX512_BF16 [[gnu::target("avx512f,avx512bw,avx512dq,avx512vl,avx512bf16,fma")]]
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

/// Whether it multiplies bf16 in pairs.
inline bool has_avx512_bf16() {
#ifdef __x86_64__
  static bool const has = has_avx512() && __builtin_cpu_supports("avx512bf16");
  return has;
#else
  return false;
#endif
}

/// Whether it has tiles of bf16, by which LibTorch is the fastest where it uses them.
inline bool has_amx_bf16() {
#ifdef __x86_64__
  static bool const has = [] {
    unsigned a = 0, b = 0, c = 0, d = 0;
    return __get_cpuid_count(7, 0, &a, &b, &c, &d) != 0 && (d >> 22 & 1) != 0;
  }();
  return has;
#else
  return false;
#endif
}

/// Of a fast path that nothing of LibTorch's beats on any processor that can run it.
inline bool always() { return true; }

/// Whether tensors are in this processor's memory, in bf16.
template <class... Tensors>
bool are_bf16(Tensors const&... tensors) {
  return ((tensors.is_cpu() && tensors.scalar_type() == at::kBFloat16) && ...);
}

/// Whether they are dense besides.
template <class... Tensors>
bool are_dense_bf16(Tensors const&... tensors) {
  return are_bf16(tensors...) && (tensors.is_contiguous() && ...);
}

}  // namespace vcflash::kernels::cpu
