#pragma once

#include "models/videochat_flash_qwen2_7b_res224.hpp"

namespace recipes {

/// Upstream's stage3-video_sft/stage3_umt_tome16_res224_qwen_7b: all parts on long videos.
struct stage3_umt_tome16_res224_qwen_7b
    : vcflash::Training<models::videochat_flash_qwen2_7b_res224, vcflash::VideoSft> {};

}  // namespace recipes
