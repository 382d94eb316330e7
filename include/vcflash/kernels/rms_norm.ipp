#pragma once

#include <vcflash/kernels/cpu.hpp>
#include <vcflash/kernels/rms_norm.hpp>
#include <vcflash/tensor/aten.hpp>

#include <algorithm>
#include <cmath>
#include <cstdint>

namespace vcflash::kernels {

namespace detail {

struct RmsNormRows {
  c10::BFloat16 const *x, *weight;
  c10::BFloat16* y;
  std::int64_t width;
  float epsilon;

  VCFLASH_AVX512 void rows(std::int64_t begin, std::int64_t end) const {
    for (; begin < end; ++begin) {
      auto const* const from = x + begin * width;
      auto* const to = y + begin * width;
      cpu::Floats squares = {};
      for (std::int64_t i = 0; i < width; i += cpu::lanes) {
        cpu::Floats const some = cpu::load(from + i);
        squares += some * some;
      }
      float const mean = cpu::sum_of(squares) / static_cast<float>(width);
      float const scale = 1 / std::sqrt(mean + epsilon);
      for (std::int64_t i = 0; i < width; i += cpu::lanes) {
        cpu::store(to + i, cpu::rounded(cpu::load(from + i) * scale) * cpu::load(weight + i));
      }
    }
  }
};

/// The same in LibTorch's operations, for any type and device, with gradients.
inline Tensor plain_rms_norm(Tensor const& x, Tensor const& weight, double epsilon) {
  Tensor const wide = x.to(at::kFloat);
  Tensor const scale = wide.square().mean({-1}, /*keepdim=*/true).add_(epsilon).rsqrt_();
  return (wide * scale).to(x.scalar_type()) * weight;
}

}  // namespace detail

VCFLASH_INLINE Tensor rms_norm(Tensor const& x, Tensor const& weight, double epsilon) {
  std::int64_t const width = weight.numel();
  if (width % cpu::lanes != 0 || x.size(-1) != width || !cpu::takes_fast_path(x, weight)) {
    return detail::plain_rms_norm(x, weight, epsilon);
  }
  Tensor y = aten::empty_like(x);
  detail::RmsNormRows const rows{
      x.const_data_ptr<c10::BFloat16>(), weight.const_data_ptr<c10::BFloat16>(),
      y.mutable_data_ptr<c10::BFloat16>(), width, static_cast<float>(epsilon)};
  constexpr std::int64_t worth_a_thread = 1 << 14;  // numbers
  cpu::in_parallel(x.numel() / width, std::max<std::int64_t>(1, worth_a_thread / width),
                   [&](std::int64_t begin, std::int64_t end) { rows.rows(begin, end); });
  return y;
}

}  // namespace vcflash::kernels
