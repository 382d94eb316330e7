#pragma once

#include <vcflash/tensor/tensor.hpp>

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/ops/rand.h>

#include <cstdint>
#include <utility>

namespace vcflash::train {

/// Runs layers as `Run` does and leaves out residual branches at random, of encoders that ask for
/// it; the same ones for the same `seed`.
template <class Run>
class DropPath {
 public:
  explicit DropPath(std::uint64_t seed, Run run = {})
      : generator_(at::detail::createCPUGenerator(seed)), run_(std::move(run)) {}

  template <class Layer>
  Tensor operator()(Layer const& layer, Tensor const& hidden) const {
    return run_(layer, hidden);
  }

  /// \return [sequences, 1, 1] fp32: 0 with the probability `rate`, else 1 / (1 - rate)
  Tensor kept(std::int64_t sequences, double rate) const {
    Tensor const drawn = at::rand({sequences, 1, 1}, generator_, at::kFloat);
    return drawn.ge(rate).to(at::kFloat) / (1 - rate);
  }

 private:
  at::Generator generator_;
  Run run_;
};

}  // namespace vcflash::train
