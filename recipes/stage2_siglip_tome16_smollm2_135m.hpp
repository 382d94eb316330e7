#pragma once

#include "models/siglip_tome16_smollm2_135m.hpp"

namespace recipes {

/// All parts of SigLIP, ToMe and SmolLM2-135M on short clips and images.
struct stage2_siglip_tome16_smollm2_135m
    : vcflash::Training<models::siglip_tome16_smollm2_135m, models::SmallestVisualPretraining> {};

}  // namespace recipes
