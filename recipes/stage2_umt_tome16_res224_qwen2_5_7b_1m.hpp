#pragma once

#include "models/videochat_flash_qwen2_5_7b_1m_res224.hpp"

namespace recipes {

/// All parts on short clips. Upstream released a model of it, but no script: the settings are those
/// of its other 7B models.
struct stage2_umt_tome16_res224_qwen2_5_7b_1m
    : vcflash::Training<models::videochat_flash_qwen2_5_7b_1m_res224, vcflash::VisualPretraining> {
};

}  // namespace recipes
