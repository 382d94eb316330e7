#pragma once

#include "models/siglip_tome16_smollm2_135m.hpp"

namespace recipes {

/// All parts of SigLIP, ToMe and SmolLM2-135M on videos of up to 16 frames.
struct stage3_siglip_tome16_smollm2_135m
    : vcflash::Training<models::siglip_tome16_smollm2_135m, models::SmallestVideoSft> {};

}  // namespace recipes
