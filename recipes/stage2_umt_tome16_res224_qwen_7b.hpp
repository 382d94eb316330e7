#pragma once

#include "models/videochat_flash_qwen2_7b_res224.hpp"

namespace recipes {

/// Upstream's stage2-visual_pretraining/stage2_umt_tome16_res224_qwen_7b: all parts on short clips.
struct stage2_umt_tome16_res224_qwen_7b
    : vcflash::Training<models::videochat_flash_qwen2_7b_res224, vcflash::VisualPretraining> {};

}  // namespace recipes
