#pragma once

#include <ATen/core/grad_mode.h>
#include <fmt/format.h>

#include <string>

#include <vcflash/infer/suspect_weights.hpp>

namespace vcflash::infer::detail {

VCFLASH_INLINE std::string with_suspect(std::string const& sentence, NamedTensors const& weights) {
  at::NoGradGuard const no_grad;
  for (auto const& [key, tensor] : weights) {
    if (tensor.numel() == 0 || tensor.isfinite().all().item<bool>()) continue;
    return fmt::format("{} ({} holds values that are not numbers)", sentence, key);
  }
  return sentence;
}

}  // namespace vcflash::infer::detail
