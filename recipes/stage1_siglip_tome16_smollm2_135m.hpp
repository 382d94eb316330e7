#pragma once

#include "models/siglip_tome16_smollm2_135m.hpp"

namespace recipes {

/// The connector between SigLIP and SmolLM2-135M learns from captions.
struct stage1_siglip_tome16_smollm2_135m
    : vcflash::Training<models::siglip_tome16_smollm2_135m, models::SmallestConnectorInit> {};

}  // namespace recipes
