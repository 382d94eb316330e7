#pragma once

#include <vcflash/connectors/tome.hpp>
#include <vcflash/encoders/umt.hpp>
#include <vcflash/llms/qwen2.hpp>
#include <vcflash/recipe/recipe.hpp>

namespace vcflash::test {

inline constexpr UmtConfig small_encoder{.name = "small encoder",
                                         .resolution = 16,
                                         .patch = 8,
                                         .width = 16,
                                         .depth = 3,
                                         .heads = 2,
                                         .position_resolution = 16};

template <bool Tied>
inline constexpr DecoderConfig small_decoder{.name = "small decoder",
                                             .hidden = 16,
                                             .layers = 2,
                                             .heads = 2,
                                             .kv_heads = 1,
                                             .intermediate = 24,
                                             .vocabulary = 40,
                                             .rope_base = 1e4,
                                             .tied = Tied,
                                             .max_positions = 128};

/// A model of a few thousand parameters that has everything a large one has.
template <bool Tied = false>
struct Small : ModelOf<Umt<small_encoder>, ToMeKind<2, 2, "ToMe2">, Qwen2<small_decoder<Tied>>> {
  static constexpr InitialDeviations initial{
      .encoder = {.weight = 0.1}, .connector = {.weight = 0.1}, .llm = {.weight = 0.1}};
};

template <class S, bool Tied = false>
struct SmallRecipe : Training<Small<Tied>, S> {
  static constexpr Name name = "small";
};

}  // namespace vcflash::test
