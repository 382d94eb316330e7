#pragma once

#include <vcflash/kernels/cpu/norm.hpp>
#include <vcflash/kernels/cpu/threads.hpp>
#include <vcflash/kernels/cpu/vectors.hpp>
#include <vcflash/tensor/aten.hpp>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <numeric>
#include <vector>

namespace vcflash::kernels::cpu {

namespace detail {

VCFLASH_AVX512 inline double square_sum(c10::BFloat16 const* x, std::int64_t count) {
  Floats sums[2] = {};
  std::int64_t i = 0;
  for (; i + 2 * lanes <= count; i += 2 * lanes) {
    Floats const one = load(x + i), other = load(x + i + lanes);
    sums[0] += one * one;
    sums[1] += other * other;
  }
  double sum = sum_of(sums[0] + sums[1]);
  for (; i < count; ++i) sum += static_cast<double>(x[i]) * static_cast<double>(x[i]);
  return sum;
}

inline bool takes_norm(Tensor const& x) { return are_dense_bf16(x); }

inline Tensor norm(Tensor const& x) {
  // Sums of so many squares lose nothing that fp32 could tell.
  constexpr std::int64_t block = 4096;
  auto const* const numbers = x.const_data_ptr<c10::BFloat16>();
  std::int64_t const blocks = (x.numel() + block - 1) / block;
  std::vector<double> sums(static_cast<std::size_t>(blocks));
  in_parallel(blocks, 16, [&](std::int64_t begin, std::int64_t end) {
    for (; begin < end; ++begin) {
      sums[static_cast<std::size_t>(begin)] =
          square_sum(numbers + begin * block, std::min(block, x.numel() - begin * block));
    }
  });
  double const all = std::accumulate(sums.begin(), sums.end(), 0.0);
  return aten::full({}, std::sqrt(all), x.options().dtype(at::kFloat).requires_grad(false));
}

}  // namespace detail

VCFLASH_INLINE NormPath& norm_path() {
  static NormPath path{"AVX-512", has_avx512, always, detail::takes_norm, detail::norm};
  return path;
}

}  // namespace vcflash::kernels::cpu
