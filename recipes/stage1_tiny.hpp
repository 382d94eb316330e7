#pragma once

#include "models/tiny32.hpp"

namespace recipes {

/// Captions of one moving shape teach the connector alone.
struct TinyConnectorInit : vcflash::ConnectorInit {
  static constexpr vcflash::Hyperparameters defaults = [] {
    auto settings = models::tiny_hyperparameters();
    settings.learning_rate = 1e-3;
    settings.min_frames = 4;
    settings.max_frames = 4;
    settings.sampling = vcflash::FrameSampling::middle;
    settings.chat = vcflash::ChatTemplate::plain;
    return settings;
  }();
};

struct stage1_tiny : vcflash::Training<models::tiny32, TinyConnectorInit> {};

}  // namespace recipes
