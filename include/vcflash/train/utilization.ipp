#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/ops/mm.h>
#include <ATen/ops/randn.h>

#include <algorithm>

#include <vcflash/train/utilization.hpp>
#include <vcflash/train/work_timer.hpp>

namespace vcflash::train {

VCFLASH_INLINE double matrix_product_rate(at::ScalarType dtype, at::Device device) {
  std::int64_t const side = device.is_cpu() ? 1024 : 8192;
  auto const options = at::TensorOptions(dtype).device(device);
  at::Tensor const a = at::randn({side, side}, options), b = at::randn({side, side}, options);
  double best = 0;
  for (int run = 0; run < 5; ++run) {
    WorkTimer timer(device);
    timer.begin();
    at::Tensor const product = at::mm(a, b);
    timer.end();
    product.select(0, 0).sum().item<float>();  // until the device is done
    auto const n = static_cast<double>(side);
    best = std::max(best, 2 * n * n * n / std::max(timer.seconds(), 1e-9));
  }
  return best;
}

}  // namespace vcflash::train
