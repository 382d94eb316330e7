#pragma once

#include "models/siglip_pool2x2_qwen3_4b.hpp"

namespace recipes {

/// All parts of SigLIP, pooling and Qwen3-4B on short clips and images.
struct stage2_siglip_pool2x2_qwen3_4b
    : vcflash::Training<models::siglip_pool2x2_qwen3_4b, vcflash::VisualPretraining> {};

}  // namespace recipes
