#pragma once

#include "models/tiny.hpp"

namespace recipes {

/// Captions of one moving shape teach the connector alone.
struct TinyConnectorInit : vcflash::ConnectorInit {
  static constexpr vcflash::Hyperparameters defaults{.learning_rate = 1e-3,
                                                     .weight_decay = 0.01,
                                                     .beta2 = 0.98,
                                                     .micro_batch = 32,
                                                     .accumulation = 1,
                                                     .processes = 1,
                                                     .max_length = 1024,
                                                     .min_frames = 4,
                                                     .max_frames = 4,
                                                     .sampling = vcflash::FrameSampling::middle,
                                                     .frame_jitter = true,
                                                     .chat = vcflash::ChatTemplate::plain,
                                                     .images = vcflash::ImageLayout::square,
                                                     .bf16 = false,
                                                     .gradient_checkpointing = false,
                                                     .group_by_length = false};
};

struct stage1_tiny : vcflash::Training<models::tiny_at<32>, TinyConnectorInit> {
  static constexpr vcflash::Name name = "stage1_tiny";
};

}  // namespace recipes
