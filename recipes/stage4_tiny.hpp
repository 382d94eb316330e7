#pragma once

#include "models/tiny.hpp"

namespace recipes {

/// Encoder and connector learn to see at 48 pixels; the LLM stays as it is.
struct TinyHighResPostSft : vcflash::HighResPostSft {
  static constexpr vcflash::Hyperparameters defaults{.learning_rate = 1.2e-3,
                                                     .weight_decay = 0.01,
                                                     .beta2 = 0.98,
                                                     .micro_batch = 32,
                                                     .accumulation = 1,
                                                     .processes = 1,
                                                     .max_length = 1024,
                                                     .min_frames = 8,
                                                     .max_frames = 8,
                                                     .frame_jitter = true,
                                                     .images = vcflash::ImageLayout::square,
                                                     .bf16 = false,
                                                     .gradient_checkpointing = false,
                                                     .group_by_length = false};
};

struct stage4_tiny : vcflash::Training<models::tiny, TinyHighResPostSft> {
  static constexpr vcflash::Name name = "stage4_tiny";
};

}  // namespace recipes
