#pragma once

#include <vcflash/kernels/cpu/rms_norm.hpp>
#include <vcflash/kernels/cpu/threads.hpp>
#include <vcflash/kernels/cpu/vectors.hpp>
#include <vcflash/tensor/aten.hpp>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <optional>

namespace vcflash::kernels::cpu {

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
      Floats squares = {};
      for (std::int64_t i = 0; i < width; i += lanes) {
        Floats const some = load(from + i);
        squares += some * some;
      }
      float const mean = sum_of(squares) / static_cast<float>(width);
      float const scale = 1 / std::sqrt(mean + epsilon);
      for (std::int64_t i = 0; i < width; i += lanes) {
        store(to + i, rounded(load(from + i) * scale) * load(weight + i));
      }
    }
  }
};

inline bool takes_rms_norm(Tensor const& x, Tensor const& weight, double /*epsilon*/) {
  return are_bf16(x) && are_dense_bf16(weight) && weight.numel() % lanes == 0 &&
         x.size(-1) == weight.numel() && row_stride(x);
}

inline Tensor rms_norm(Tensor const& x, Tensor const& weight, double epsilon) {
  std::int64_t const width = weight.numel();
  Tensor y = aten::empty(x.sizes(), x.options());
  RmsNormRows const rows{x.const_data_ptr<c10::BFloat16>(),
                         weight.const_data_ptr<c10::BFloat16>(),
                         y.mutable_data_ptr<c10::BFloat16>(),
                         width,
                         *row_stride(x),
                         static_cast<float>(epsilon)};
  constexpr std::int64_t worth_a_thread = 1 << 14;  // numbers
  in_parallel(x.numel() / width, std::max<std::int64_t>(1, worth_a_thread / width),
              [&](std::int64_t begin, std::int64_t end) { rows.rows(begin, end); });
  return y;
}

}  // namespace detail

VCFLASH_INLINE RmsNormPath& rms_norm_path() {
  static RmsNormPath path{"AVX-512", has_avx512, always, detail::takes_rms_norm, detail::rms_norm};
  return path;
}

}  // namespace vcflash::kernels::cpu
