#pragma once

#include <vcflash/connectors/tome.hpp>
#include <vcflash/encoders/umt.hpp>
#include <vcflash/llms/qwen2.hpp>
#include <vcflash/recipe/recipe.hpp>

namespace recipes::models {

/// OpenGVLab/VideoChat-Flash-Qwen2_5-2B_res448, whose LLM is Qwen2.5-1.5B.
struct videochat_flash_qwen2_5_2b_res448
    : vcflash::ModelOf<vcflash::Umt<vcflash::Res448>, vcflash::ToMe16, vcflash::Qwen2_5_1_5B> {
  static constexpr vcflash::Name llm_name = "Qwen2_5_1_5B";
  static constexpr vcflash::Asking asking = vcflash::as_released;
};

static_assert(vcflash::parameter_count<videochat_flash_qwen2_5_2b_res448::Network> ==
              1'838'128'640);
static_assert(vcflash::key_count<videochat_flash_qwen2_5_2b_res448::Network> == 645);

}  // namespace recipes::models
