#pragma once

#include "models/videochat_flash_qwen2_5_2b_res448.hpp"

namespace recipes {

/// Upstream's stage3-video_sft/stage3_umt_tome16_res448_qwen_1_5b: all parts on long videos.
struct stage3_umt_tome16_res448_qwen_1_5b
    : vcflash::Training<models::videochat_flash_qwen2_5_2b_res448, vcflash::VideoSft> {};

}  // namespace recipes
