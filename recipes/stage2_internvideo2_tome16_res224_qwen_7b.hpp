#pragma once

#include "models/videochat_flash_qwen2_5_7b_internvideo2_1b.hpp"

namespace recipes {

/// Upstream's stage2-visual_pretraining/stage2_internvideo2_tome16_res224_qwen_7b: all parts on
/// short clips.
struct stage2_internvideo2_tome16_res224_qwen_7b
    : vcflash::Training<models::videochat_flash_qwen2_5_7b_internvideo2_1b,
                        vcflash::VisualPretraining> {};

}  // namespace recipes
