#pragma once

#include "models/tiny32.hpp"

namespace recipes {

/// Everything learns to answer about longer clips, of 8 or 16 frames.
struct TinyVideoSft : vcflash::VideoSft {
  static constexpr vcflash::Hyperparameters defaults = [] {
    auto settings = models::tiny_hyperparameters();
    settings.learning_rate = 7e-4;
    settings.min_frames = 8;
    settings.max_frames = 16;
    return settings;
  }();
};

struct stage3_tiny : vcflash::Training<models::tiny32, TinyVideoSft> {};

}  // namespace recipes
