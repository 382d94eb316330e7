#pragma once

#include <vcflash/kernels/cpu/linear.hpp>
#include <vcflash/kernels/cpu/threads.hpp>
#include <vcflash/kernels/cpu/vectors.hpp>
#include <vcflash/tensor/aten.hpp>

#include <algorithm>

namespace vcflash::kernels::cpu {

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
    Floats sums[Rows][parts] = {};
    for (std::int64_t i = 0; i < in; i += parts * lanes) {
      __builtin_prefetch(w + i + ahead);
      __builtin_prefetch(w + i + ahead + line);
#pragma GCC unroll 4
      for (int part = 0; part < parts; ++part) {
        std::int64_t const at = i + part * lanes;
        Floats const weights = load(w + at);
#pragma GCC unroll 4
        for (int r = 0; r < Rows; ++r) sums[r][part] += weights * load(x + r * in + at);
      }
    }
    for (int r = 0; r < Rows; ++r) {
      float sum = sum_of((sums[r][0] + sums[r][1]) + (sums[r][2] + sums[r][3]));
      if (bias != nullptr) sum += static_cast<float>(bias[output]);
      y[r * out + output] = sum;
    }
  }

  void outputs(std::int64_t begin, std::int64_t end) const {
    for (; begin < end; ++begin) rows == 1 ? output_of<1>(begin) : output_of<2>(begin);
  }
};

inline bool takes_linear(Tensor const& x, Tensor const& weight, Tensor const& bias) {
  if (!are_dense_bf16(x, weight)) return false;
  std::int64_t const in = weight.size(1), out = weight.size(0);
  return x.numel() > 0 && x.numel() <= few_rows * in && x.size(-1) == in &&
         in % (FewRows::parts * lanes) == 0 &&
         (!bias.defined() || (bias.numel() == out && are_dense_bf16(bias)));
}

inline Tensor linear(Tensor const& x, Tensor const& weight, Tensor const& bias) {
  std::int64_t const in = weight.size(1), out = weight.size(0);
  auto shape = x.sizes().vec();
  shape.back() = out;
  Tensor y = aten::empty(shape, x.options());
  Tensor const wide = x.to(at::kFloat);
  FewRows const product{wide.const_data_ptr<float>(),
                        weight.const_data_ptr<c10::BFloat16>(),
                        bias.defined() ? bias.const_data_ptr<c10::BFloat16>() : nullptr,
                        y.mutable_data_ptr<c10::BFloat16>(),
                        x.numel() / in,
                        in,
                        out};
  constexpr std::int64_t worth_a_thread = 1 << 16;  // weights
  in_parallel(out, std::max<std::int64_t>(1, worth_a_thread / in),
              [&](std::int64_t begin, std::int64_t end) { product.outputs(begin, end); });
  return y;
}

}  // namespace detail

VCFLASH_INLINE LinearPath& linear_path() {
  static LinearPath path{"AVX-512", has_avx512, always, detail::takes_linear, detail::linear};
  return path;
}

}  // namespace vcflash::kernels::cpu
