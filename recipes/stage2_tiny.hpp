#pragma once

#include "models/tiny.hpp"

namespace recipes {

/// Everything learns to see: one shape first, then several, then in more frames. The three sets
/// of its mixture follow each other, and how long their clips last gives 4 or 8 frames.
struct TinyVisualPretraining : vcflash::VisualPretraining {
  static constexpr vcflash::Hyperparameters defaults{.learning_rate = 1.5e-3,
                                                     .encoder_learning_rate = 1.1e-3,
                                                     .weight_decay = 0.01,
                                                     .beta2 = 0.98,
                                                     .min_lr_ratio = 0.5,
                                                     .micro_batch = 32,
                                                     .accumulation = 1,
                                                     .processes = 1,
                                                     .max_length = 1024,
                                                     .min_frames = 4,
                                                     .max_frames = 8,
                                                     .frame_jitter = true,
                                                     .images = vcflash::ImageLayout::square,
                                                     .bf16 = false,
                                                     .gradient_checkpointing = false,
                                                     .group_by_length = false};
};

struct stage2_tiny : vcflash::Training<models::tiny_at<32>, TinyVisualPretraining> {
  static constexpr vcflash::Name name = "stage2_tiny";
};

}  // namespace recipes
