#pragma once

#include <vcflash/connectors/tome.hpp>
#include <vcflash/encoders/internvideo2.hpp>
#include <vcflash/llms/qwen2.hpp>
#include <vcflash/recipe/recipe.hpp>

namespace recipes::models {

/// OpenGVLab/VideoChat-Flash-Qwen2_5-7B_InternVideo2-1B.
struct videochat_flash_qwen2_5_7b_internvideo2_1b
    : vcflash::ModelOf<vcflash::InternVideo2_1B, vcflash::ToMe16, vcflash::Qwen2_5_7B> {
  static constexpr vcflash::Name llm_name = "Qwen2_5_7B";
  static constexpr vcflash::Asking asking = vcflash::as_released;
};

static_assert(vcflash::parameter_count<videochat_flash_qwen2_5_7b_internvideo2_1b::Network> ==
              8'620'852'736);
static_assert(vcflash::key_count<videochat_flash_qwen2_5_7b_internvideo2_1b::Network> == 855);

}  // namespace recipes::models
