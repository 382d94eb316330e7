#pragma once

#include "models/videochat_flash_qwen2_5_2b_res448.hpp"

namespace recipes {

/// Upstream's stage1-init_connector/stage1_umt_tome16_res448_qwen1_5b: the connector between UMT-L
/// at 448 pixels and Qwen2.5-1.5B.
struct stage1_umt_tome16_res448_qwen_1_5b
    : vcflash::Training<models::videochat_flash_qwen2_5_2b_res448, vcflash::ConnectorInit> {};

}  // namespace recipes
