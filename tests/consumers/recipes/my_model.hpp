#pragma once

#include <vcflash/connectors/tome.hpp>
#include <vcflash/encoders/umt.hpp>
#include <vcflash/llms/qwen2.hpp>
#include <vcflash/recipe/recipe.hpp>

namespace recipes::models {

using SmallEncoder = vcflash::Umt<vcflash::UmtConfig{.name = "small encoder",
                                                     .resolution = 32,
                                                     .patch = 8,
                                                     .width = 32,
                                                     .depth = 2,
                                                     .heads = 2,
                                                     .position_resolution = 32}>;
using SmallLlm = vcflash::Qwen2<vcflash::DecoderConfig{.name = "small llm",
                                                       .hidden = 48,
                                                       .layers = 2,
                                                       .heads = 4,
                                                       .kv_heads = 2,
                                                       .intermediate = 96,
                                                       .vocabulary = 512}>;

/// A model of one's own.
struct my_model : vcflash::ModelOf<SmallEncoder, vcflash::ToMeKind<4, 8, "ToMe4">, SmallLlm> {};

}  // namespace recipes::models
