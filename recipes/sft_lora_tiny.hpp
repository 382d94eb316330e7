#pragma once

#include <vcflash/layers/lora.hpp>

#include "models/tiny.hpp"

namespace recipes {

/// The tiny model's LLM by adapters of rank 8, its connector as a whole.
struct TinyLoraSft : vcflash::LoraSft {
  static constexpr vcflash::Hyperparameters defaults = [] {
    auto settings = models::tiny_hyperparameters();
    settings.learning_rate = 2e-3;
    settings.connector_learning_rate = 2e-4;
    settings.min_frames = 4;
    settings.max_frames = 8;
    return settings;
  }();
};

struct sft_lora_tiny
    : vcflash::Training<vcflash::WithLlmPolicy<models::tiny, vcflash::Lora<8>>, TinyLoraSft> {};

}  // namespace recipes
