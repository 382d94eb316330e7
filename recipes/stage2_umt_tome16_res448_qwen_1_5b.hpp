#pragma once

#include "models/videochat_flash_qwen2_5_2b_res448.hpp"

namespace recipes {

/// Upstream's stage2-visual_pretraining/stage2_umt_tome16_res448_qwen_1_5b: all parts on short
/// clips.
struct stage2_umt_tome16_res448_qwen_1_5b
    : vcflash::Training<models::videochat_flash_qwen2_5_2b_res448, vcflash::VisualPretraining> {};

}  // namespace recipes
