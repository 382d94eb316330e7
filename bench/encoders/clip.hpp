#pragma once

#include <benchmark/benchmark.h>
#include <vcflash/tensor/initialize.hpp>
#include <vcflash/tensor/placement.hpp>

#include <ATen/core/grad_mode.h>
#include <ATen/ops/rand.h>

#include "bench/support/timing.hpp"

namespace vcflash::bench {

/// A clip through an encoder with random weights, bf16.
template <class Encoder>
void run_clip(benchmark::State& state) {
  at::NoGradGuard const no_grad;
  Encoder encoder;
  initialize(encoder, {}, 1);
  convert_to(encoder, at::kBFloat16);
  Tensor const pixels =
      at::rand({1, Encoder::clip.frames, 3, Encoder::resolution, Encoder::resolution})
          .to(at::kBFloat16);
  run_warm(state, [&] { benchmark::DoNotOptimize(encoder(pixels, Encoder::clip)); });
}

}  // namespace vcflash::bench
