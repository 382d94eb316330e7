#pragma once

#include "models/videochat_flash_qwen2_5_7b_internvideo2_1b.hpp"

namespace recipes {

/// Upstream's stage1-init_connector/stage1_internvideo2_tome16_res224_qwen7b: the connector between
/// InternVideo2-1B and Qwen2.5-7B.
struct stage1_internvideo2_tome16_res224_qwen_7b
    : vcflash::Training<models::videochat_flash_qwen2_5_7b_internvideo2_1b,
                        vcflash::ConnectorInit> {};

}  // namespace recipes
