#pragma once

#include "models/tiny.hpp"

namespace recipes {

/// Everything learns to answer about longer clips, of 8 or 16 frames.
struct TinyVideoSft : vcflash::VideoSft {
  static constexpr vcflash::Hyperparameters defaults{.learning_rate = 7e-4,
                                                     .weight_decay = 0.01,
                                                     .beta2 = 0.98,
                                                     .micro_batch = 32,
                                                     .accumulation = 1,
                                                     .processes = 1,
                                                     .max_length = 1024,
                                                     .min_frames = 8,
                                                     .max_frames = 16,
                                                     .frame_jitter = true,
                                                     .images = vcflash::ImageLayout::square,
                                                     .bf16 = false,
                                                     .gradient_checkpointing = false,
                                                     .group_by_length = false};
};

struct stage3_tiny : vcflash::Training<models::tiny_at<32>, TinyVideoSft> {
  static constexpr vcflash::Name name = "stage3_tiny";
};

}  // namespace recipes
