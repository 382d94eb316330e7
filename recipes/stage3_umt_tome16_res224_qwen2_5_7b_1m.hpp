#pragma once

#include "models/videochat_flash_qwen2_5_7b_1m_res224.hpp"

namespace recipes {

/// All parts on long videos. Upstream released a model of it, but no script: the settings are those
/// of its other 7B models.
struct stage3_umt_tome16_res224_qwen2_5_7b_1m
    : vcflash::Training<models::videochat_flash_qwen2_5_7b_1m_res224, vcflash::VideoSft> {};

}  // namespace recipes
