#pragma once

#include <vcflash/kernels/cpu.hpp>
#include <vcflash/kernels/swiglu.hpp>
#include <vcflash/kernels/vector_math.hpp>
#include <vcflash/tensor/aten.hpp>

#include <cstdint>
#include <numbers>

namespace vcflash::kernels {

namespace detail {

/// Rounds where LibTorch's two operations do.
VCFLASH_AVX512 inline void swiglu(c10::BFloat16* gate, c10::BFloat16 const* up, std::int64_t begin,
                                  std::int64_t end) {
  for (; begin < end; begin += cpu::lanes) {
    cpu::Floats const x = cpu::load(gate + begin);
    cpu::Floats const silu = x / (cpu::exp2(x * -std::numbers::log2e_v<float>) + 1);
    cpu::store(gate + begin, cpu::rounded(silu) * cpu::load(up + begin));
  }
}

}  // namespace detail

VCFLASH_INLINE Tensor swiglu(Tensor gate, Tensor const& up) {
  if (gate.numel() % cpu::lanes != 0 || gate.sizes() != up.sizes() ||
      !cpu::takes_fast_path(gate, up)) {
    return aten::silu(gate) * up;
  }
  auto* const numbers = gate.mutable_data_ptr<c10::BFloat16>();
  auto const* const factors = up.const_data_ptr<c10::BFloat16>();
  constexpr std::int64_t worth_a_thread = 1 << 10;  // groups of numbers
  cpu::in_parallel(gate.numel() / cpu::lanes, worth_a_thread,
                   [&](std::int64_t begin, std::int64_t end) {
                     detail::swiglu(numbers, factors, begin * cpu::lanes, end * cpu::lanes);
                   });
  return gate;
}

}  // namespace vcflash::kernels
