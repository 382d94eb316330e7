#pragma once

#include <vcflash/kernels/cpu/swiglu.hpp>
#include <vcflash/kernels/cpu/threads.hpp>
#include <vcflash/kernels/cpu/vector_math.hpp>
#include <vcflash/kernels/cpu/vectors.hpp>
#include <vcflash/tensor/aten.hpp>

#include <cstdint>
#include <numbers>

namespace vcflash::kernels::cpu {

namespace detail {

VCFLASH_AVX512 inline void swiglu_rows(c10::BFloat16* gate, c10::BFloat16 const* up,
                                       std::int64_t begin, std::int64_t end) {
  for (; begin < end; begin += lanes) {
    Floats const x = load(gate + begin);
    Floats const silu = x / (exp2(x * -std::numbers::log2e_v<float>) + 1);
    store(gate + begin, rounded(silu) * load(up + begin));
  }
}

inline bool takes_swiglu(Tensor const& gate, Tensor const& up) {
  return are_dense_bf16(gate, up) && gate.numel() % lanes == 0 && gate.sizes() == up.sizes();
}

inline Tensor swiglu(Tensor gate, Tensor const& up) {
  auto* const numbers = gate.mutable_data_ptr<c10::BFloat16>();
  auto const* const factors = up.const_data_ptr<c10::BFloat16>();
  constexpr std::int64_t worth_a_thread = 1 << 10;  // groups of numbers
  in_parallel(gate.numel() / lanes, worth_a_thread, [&](std::int64_t begin, std::int64_t end) {
    swiglu_rows(numbers, factors, begin * lanes, end * lanes);
  });
  return gate;
}

}  // namespace detail

VCFLASH_INLINE SwigluPath& swiglu_path() {
  static SwigluPath path{"AVX-512", has_avx512, always, detail::takes_swiglu, detail::swiglu};
  return path;
}

}  // namespace vcflash::kernels::cpu
