#pragma once

#include "models/siglip_pool2x2_qwen3_4b.hpp"

namespace recipes {

/// The connector between SigLIP and Qwen3-4B learns from captions.
struct stage1_siglip_pool2x2_qwen3_4b
    : vcflash::Training<models::siglip_pool2x2_qwen3_4b, vcflash::ConnectorInit> {};

}  // namespace recipes
