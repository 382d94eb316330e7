#pragma once

#include "models/videochat_flash_qwen2_7b_res224.hpp"

namespace recipes {

/// Upstream's stage1-init_connector/stage1_umt_tome16_res224_qwen7b: the connector between UMT-L
/// and Qwen2-7B.
struct stage1_umt_tome16_res224_qwen_7b
    : vcflash::Training<models::videochat_flash_qwen2_7b_res224, vcflash::ConnectorInit> {};

}  // namespace recipes
