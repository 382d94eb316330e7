#pragma once

#include <vcflash/kernels/cpu.hpp>
#include <vcflash/kernels/linear.hpp>
#include <vcflash/tensor/aten.hpp>

#include <algorithm>
#include <utility>

namespace vcflash::kernels {

namespace detail {

/// A product of few rows, [rows, in] by [out, in]; sums in fp32.
struct FewRows {
  float const* x;
  c10::BFloat16 const *weight, *bias;  ///< no bias: null
  c10::BFloat16* y;
  std::int64_t rows, in, out;

  static constexpr int parts = 4;  ///< sums of a product, so that none waits for the one before

  /// One number of every row, from a row of weights that is read from its beginning to its end, as
  /// memory gives most.
  template <int Rows>
  VCFLASH_AVX512 void output_of(std::int64_t output) const {
    constexpr std::int64_t ahead = 2048, line = 32;  // weights
    auto const* const w = weight + output * in;
    cpu::Floats sums[Rows][parts] = {};
    for (std::int64_t i = 0; i < in; i += parts * cpu::lanes) {
      __builtin_prefetch(w + i + ahead);
      __builtin_prefetch(w + i + ahead + line);
#pragma GCC unroll 4
      for (int part = 0; part < parts; ++part) {
        std::int64_t const at = i + part * cpu::lanes;
        cpu::Floats const weights = cpu::load(w + at);
#pragma GCC unroll 4
        for (int r = 0; r < Rows; ++r) sums[r][part] += weights * cpu::load(x + r * in + at);
      }
    }
    for (int r = 0; r < Rows; ++r) {
      float sum = cpu::sum_of((sums[r][0] + sums[r][1]) + (sums[r][2] + sums[r][3]));
      if (bias != nullptr) sum += static_cast<float>(bias[output]);
      y[r * out + output] = sum;
    }
  }

  void outputs(std::int64_t begin, std::int64_t end) const {
    for (; begin < end; ++begin) rows == 1 ? output_of<1>(begin) : output_of<2>(begin);
  }
};

}  // namespace detail

VCFLASH_INLINE Tensor linear(Tensor const& x, Tensor const& weight, Tensor const& bias) {
  std::int64_t const in = weight.size(1), out = weight.size(0);
  bool const fits = x.numel() > 0 && x.numel() <= few_rows * in && x.size(-1) == in &&
                    in % (detail::FewRows::parts * cpu::lanes) == 0 &&
                    cpu::takes_fast_path(x, weight) &&
                    (!bias.defined() || (bias.numel() == out && cpu::takes_fast_path(bias)));
  if (!fits) {
    return bias.defined() ? aten::linear(x, weight, bias) : aten::linear(x, weight);
  }
  auto shape = x.sizes().vec();
  shape.back() = out;
  Tensor y = aten::empty(shape, x.options());
  Tensor const wide = x.to(at::kFloat);
  detail::FewRows const product{wide.const_data_ptr<float>(),
                                weight.const_data_ptr<c10::BFloat16>(),
                                bias.defined() ? bias.const_data_ptr<c10::BFloat16>() : nullptr,
                                y.mutable_data_ptr<c10::BFloat16>(),
                                x.numel() / in,
                                in,
                                out};
  constexpr std::int64_t worth_a_thread = 1 << 16;  // weights
  cpu::in_parallel(out, std::max<std::int64_t>(1, worth_a_thread / in),
                   [&](std::int64_t begin, std::int64_t end) { product.outputs(begin, end); });
  return y;
}

}  // namespace vcflash::kernels
