#pragma once

#include <vcflash/tensor/aten.hpp>
#include <vcflash/tensor/tensor.hpp>

#include <ATen/TensorIterator.h>

#include <cstdint>

namespace vcflash::kernels::cpu {

/// Calls f(begin, end) for parts of [0, count) of at least `grain`, on LibTorch's own threads.
template <class F>
void in_parallel(std::int64_t count, std::int64_t grain, F const& f) {
  // at::parallel_for would need OpenMP here, and with it a second runtime beside LibTorch's. An
  // iterator over a tensor of as many bytes has LibTorch itself divide the range.
  Tensor places = aten::empty({count}, at::kChar);
  auto const* const first = static_cast<char const*>(places.const_data_ptr());
  auto iterator = at::TensorIterator::nullary_op(places);
  iterator.for_each(
      [&](char** data, std::int64_t const* /*strides*/, std::int64_t size, std::int64_t times) {
        std::int64_t const begin = data[0] - first;
        f(begin, begin + size * times);
      },
      grain);
}

}  // namespace vcflash::kernels::cpu
