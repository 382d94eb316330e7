#pragma once

#include "models/tiny.hpp"

namespace recipes {

/// Encoder and connector learn to see at 48 pixels; the LLM stays as it is.
struct TinyHighResPostSft : vcflash::HighResPostSft {
  static constexpr vcflash::Hyperparameters defaults = [] {
    auto settings = models::tiny_hyperparameters();
    settings.learning_rate = 1.2e-3;
    settings.min_frames = 8;
    settings.max_frames = 8;
    return settings;
  }();
};

struct stage4_tiny : vcflash::Training<models::tiny, TinyHighResPostSft> {};

}  // namespace recipes
