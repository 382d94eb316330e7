#pragma once

#include <vcflash/connectors/tome.hpp>
#include <vcflash/encoders/siglip.hpp>
#include <vcflash/llms/llama.hpp>
#include <vcflash/recipe/recipe.hpp>

#include <cstdint>

namespace recipes::models {

/// The smallest model of real parts: SigLIP so400m at 384 pixels, 16 tokens a frame, SmolLM2-135M.
struct siglip_tome16_smollm2_135m
    : vcflash::ModelOf<vcflash::Siglip_So400m_384, vcflash::ToMe16, vcflash::SmolLM2_135M> {};

static_assert(vcflash::key_count<siglip_tome16_smollm2_135m::Network> == 697);

/// A stage's settings for one process on a few cores: few frames, small steps, no tiles.
template <class Stage>
constexpr vcflash::Hyperparameters smallest(std::int64_t micro_batch, std::int64_t max_frames) {
  vcflash::Hyperparameters settings = Stage::defaults;
  settings.micro_batch = micro_batch;
  settings.accumulation = 8 / micro_batch;
  settings.processes = 1;
  settings.max_length = 2048;
  settings.max_frames = max_frames;
  settings.min_frames = settings.min_frames < max_frames ? settings.min_frames : max_frames;
  settings.images = vcflash::ImageLayout::square;
  return settings;
}

struct SmallestConnectorInit : vcflash::ConnectorInit {
  static constexpr vcflash::Hyperparameters defaults = smallest<vcflash::ConnectorInit>(4, 4);
};
struct SmallestVisualPretraining : vcflash::VisualPretraining {
  static constexpr vcflash::Hyperparameters defaults = smallest<vcflash::VisualPretraining>(1, 4);
};
struct SmallestVideoSft : vcflash::VideoSft {
  static constexpr vcflash::Hyperparameters defaults = smallest<vcflash::VideoSft>(1, 16);
};

}  // namespace recipes::models
