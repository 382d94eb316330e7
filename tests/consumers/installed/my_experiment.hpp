#pragma once

#include <vcflash/connectors/tome.hpp>
#include <vcflash/encoders/umt.hpp>
#include <vcflash/llms/qwen2.hpp>
#include <vcflash/recipe/recipe.hpp>

namespace recipes {

using SmallEncoder = vcflash::Umt<vcflash::UmtConfig{.name = "small encoder",
                                                     .resolution = 32,
                                                     .patch = 8,
                                                     .width = 32,
                                                     .depth = 2,
                                                     .heads = 2,
                                                     .position_resolution = 32}>;
using SmallDecoder = vcflash::Qwen2<vcflash::LlmConfig{.name = "small decoder",
                                                       .hidden = 48,
                                                       .layers = 2,
                                                       .heads = 4,
                                                       .kv_heads = 2,
                                                       .intermediate = 96,
                                                       .vocabulary = 512}>;

/// A recipe of one's own: its parts, and the stage it is trained in.
struct my_experiment : vcflash::Recipe<SmallEncoder, vcflash::ToMeKind<4, 8, "ToMe4">, SmallDecoder,
                                       vcflash::ConnectorInit> {
  static constexpr vcflash::Name name = "my_experiment";
};

}  // namespace recipes
