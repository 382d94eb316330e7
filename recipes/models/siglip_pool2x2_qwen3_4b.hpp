#pragma once

#include <vcflash/connectors/pooling.hpp>
#include <vcflash/encoders/siglip.hpp>
#include <vcflash/llms/qwen3.hpp>
#include <vcflash/recipe/recipe.hpp>

namespace recipes::models {

/// SigLIP so400m at 384 pixels, 14 x 14 tokens a frame by pooling, Qwen3-4B.
struct siglip_pool2x2_qwen3_4b
    : vcflash::ModelOf<vcflash::Siglip_So400m_384, vcflash::Pool2x2, vcflash::Qwen3_4B> {};

static_assert(vcflash::key_count<siglip_pool2x2_qwen3_4b::Network> == 824);

/// As upstream's, but for the frames of long videos: at 196 tokens each, 128 of them and what is
/// said fit into 32,768 tokens.
struct PooledVideoSft : vcflash::VideoSft {
  static constexpr vcflash::Hyperparameters defaults = [] {
    auto settings = vcflash::VideoSft::defaults;
    settings.min_frames = 16;
    settings.max_frames = 128;
    return settings;
  }();
};

}  // namespace recipes::models
