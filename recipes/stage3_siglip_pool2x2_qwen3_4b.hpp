#pragma once

#include "models/siglip_pool2x2_qwen3_4b.hpp"

namespace recipes {

/// All parts of SigLIP, pooling and Qwen3-4B on long videos.
struct stage3_siglip_pool2x2_qwen3_4b
    : vcflash::Training<models::siglip_pool2x2_qwen3_4b, models::PooledVideoSft> {};

}  // namespace recipes
