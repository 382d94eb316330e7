#pragma once

#include "models/tiny32.hpp"

namespace recipes {

/// Everything learns to see: one shape first, then several, then in more frames. The three sets
/// of its mixture follow each other, and how long their clips last gives 4 or 8 frames.
struct TinyVisualPretraining : vcflash::VisualPretraining {
  static constexpr vcflash::Hyperparameters defaults = [] {
    auto settings = models::tiny_hyperparameters();
    settings.learning_rate = 1.5e-3;
    settings.encoder_learning_rate = 1.1e-3;
    settings.min_lr_ratio = 0.5;
    settings.min_frames = 4;
    settings.max_frames = 8;
    return settings;
  }();
};

struct stage2_tiny : vcflash::Training<models::tiny32, TinyVisualPretraining> {
  using Sharding = vcflash::Zero<0>;
};

}  // namespace recipes
