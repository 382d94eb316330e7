#pragma once

#include "models/videochat_flash_qwen2_7b_res448.hpp"

namespace recipes {

/// Upstream's stage4_highres_postft/stage4_umt_tome16_res448_qwen_7b: encoder and connector at 448.
struct stage4_umt_tome16_res448_qwen_7b
    : vcflash::Training<models::videochat_flash_qwen2_7b_res448, vcflash::HighResPostSft> {};

}  // namespace recipes
