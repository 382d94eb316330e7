#pragma once

#include <vcflash/kernels/cpu.hpp>
#include <vcflash/kernels/norm.hpp>
#include <vcflash/tensor/aten.hpp>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <numeric>
#include <optional>
#include <vector>

namespace vcflash::kernels {

namespace detail {

VCFLASH_AVX512 inline double square_sum(c10::BFloat16 const* x, std::int64_t count) {
  cpu::Floats sums[2] = {};
  std::int64_t i = 0;
  for (; i + 2 * cpu::lanes <= count; i += 2 * cpu::lanes) {
    cpu::Floats const one = cpu::load(x + i), other = cpu::load(x + i + cpu::lanes);
    sums[0] += one * one;
    sums[1] += other * other;
  }
  double sum = cpu::sum_of(sums[0] + sums[1]);
  for (; i < count; ++i) sum += static_cast<double>(x[i]) * static_cast<double>(x[i]);
  return sum;
}

}  // namespace detail

VCFLASH_INLINE Tensor norm(Tensor const& x) {
  if (!cpu::takes_fast_path(x)) {
    return aten::vector_norm(x, at::kFloat);
  }
  // Sums of so many squares lose nothing that fp32 could tell.
  constexpr std::int64_t block = 4096;
  auto const* const numbers = x.const_data_ptr<c10::BFloat16>();
  std::int64_t const blocks = (x.numel() + block - 1) / block;
  std::vector<double> sums(static_cast<std::size_t>(blocks));
  cpu::in_parallel(blocks, 16, [&](std::int64_t begin, std::int64_t end) {
    for (; begin < end; ++begin) {
      sums[static_cast<std::size_t>(begin)] =
          detail::square_sum(numbers + begin * block, std::min(block, x.numel() - begin * block));
    }
  });
  double const all = std::accumulate(sums.begin(), sums.end(), 0.0);
  return aten::full({}, std::sqrt(all), x.options().dtype(at::kFloat).requires_grad(false));
}

}  // namespace vcflash::kernels
