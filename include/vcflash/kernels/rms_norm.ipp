#pragma once

#include <vcflash/kernels/cpu.hpp>
#include <vcflash/kernels/rms_norm.hpp>
#include <vcflash/tensor/aten.hpp>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <optional>

namespace vcflash::kernels {

namespace detail {

/// What lies between the beginnings of two rows of `x`, [..., width]; nothing if that differs.
inline std::optional<std::int64_t> row_stride(Tensor const& x) {
  std::int64_t stride = x.size(-1), rows = 1;
  for (std::int64_t d = x.dim() - 2; d >= 0; --d) {
    if (x.size(d) == 1) continue;
    if (rows == 1) stride = x.stride(d);
    if (x.stride(d) != rows * stride) return std::nullopt;
    rows *= x.size(d);
  }
  return x.stride(-1) == 1 ? std::optional(stride) : std::nullopt;
}

struct RmsNormRows {
  c10::BFloat16 const *x, *weight;
  c10::BFloat16* y;
  std::int64_t width, stride;  ///< the stride is x's
  float epsilon;

  VCFLASH_AVX512 void rows(std::int64_t begin, std::int64_t end) const {
    for (; begin < end; ++begin) {
      auto const* const from = x + begin * stride;
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
  auto const stride = detail::row_stride(x);
  if (width % cpu::lanes != 0 || x.size(-1) != width || !stride || !cpu::takes_halves(x) ||
      !cpu::takes_fast_path(weight)) {
    return detail::plain_rms_norm(x, weight, epsilon);
  }
  Tensor y = aten::empty(x.sizes(), x.options());
  detail::RmsNormRows const rows{x.const_data_ptr<c10::BFloat16>(),
                                 weight.const_data_ptr<c10::BFloat16>(),
                                 y.mutable_data_ptr<c10::BFloat16>(),
                                 width,
                                 *stride,
                                 static_cast<float>(epsilon)};
  constexpr std::int64_t worth_a_thread = 1 << 14;  // numbers
  cpu::in_parallel(x.numel() / width, std::max<std::int64_t>(1, worth_a_thread / width),
                   [&](std::int64_t begin, std::int64_t end) { rows.rows(begin, end); });
  return y;
}

}  // namespace vcflash::kernels
