#pragma once

#include <vcflash/connectors/tome.hpp>
#include <vcflash/encoders/umt.hpp>
#include <vcflash/llms/qwen2.hpp>
#include <vcflash/recipe/recipe.hpp>

namespace recipes::models {

/// OpenGVLab/VideoChat-Flash-Qwen2-7B_res224.
struct videochat_flash_qwen2_7b_res224
    : vcflash::ModelOf<vcflash::Umt<vcflash::Res224>, vcflash::ToMe16, vcflash::Qwen2_7B> {
  static constexpr vcflash::Asking asking = vcflash::as_released;
};

static_assert(vcflash::parameter_count<videochat_flash_qwen2_7b_res224::Network> == 7'922'617'856);
static_assert(vcflash::key_count<videochat_flash_qwen2_7b_res224::Network> == 646);

}  // namespace recipes::models
