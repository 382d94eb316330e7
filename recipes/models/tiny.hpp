#pragma once

#include <vcflash/connectors/tome.hpp>
#include <vcflash/encoders/umt.hpp>
#include <vcflash/llms/qwen2.hpp>
#include <vcflash/recipe/recipe.hpp>

namespace recipes::models {

/// What the demo trains: VideoChat-Flash's shape with 1.2 M parameters, at 32 pixels or more.
template <std::int64_t Resolution>
struct tiny_at : vcflash::ModelOf<
                     vcflash::Umt<vcflash::UmtConfig{
                         .name = "tiny encoder",
                         .resolution = Resolution,
                         .patch = 8,
                         .width = 128,
                         .depth = 4,
                         .heads = 4,
                         // A row of 8 patches turns the channels that tell columns by a whole
                         // circle, so that interpolation leaves them as they are.
                         .position_resolution = 64,
                         .pixels = {.mean = {45.F / 255, 45.F / 255, 45.F / 255},
                                    .deviation = {60.F / 255, 60.F / 255, 60.F / 255}}}>,
                     vcflash::ToMeKind<8, 16, "ToMe8">,
                     vcflash::Qwen2<vcflash::DecoderConfig{.name = "tiny decoder",
                                                           .hidden = 128,
                                                           .layers = 3,
                                                           .heads = 4,
                                                           .kv_heads = 2,
                                                           .intermediate = 256,
                                                           .vocabulary = 512,
                                                           .rope_base = 1e4,
                                                           .tied = true,
                                                           .max_positions = 1024}>> {
  static constexpr vcflash::InitialDeviations initial{.encoder = {.weight = 0.05},
                                                      .connector = {.weight = 0.09},
                                                      .llm = {.weight = 0.09, .embedding = 0.1}};
  static constexpr bool time_message = false;
};

/// What the four stages of the tiny model set alike; each adds its rate and its frames.
constexpr vcflash::Hyperparameters tiny_hyperparameters() {
  return {.weight_decay = 0.01,
          .beta2 = 0.98,
          .micro_batch = 32,
          .accumulation = 1,
          .processes = 1,
          .max_length = 1024,
          .frame_jitter = true,
          .images = vcflash::ImageLayout::square,
          .bf16 = false,
          .gradient_checkpointing = false,
          .group_by_length = false};
}

/// The model that is evaluated and talked to: at the 48 pixels of the last stage.
struct tiny : tiny_at<48> {};

}  // namespace recipes::models
