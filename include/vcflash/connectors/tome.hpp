#pragma once

#include <vcflash/connectors/connector.hpp>
#include <vcflash/kernels/token_merging.hpp>
#include <vcflash/layers/mlp.hpp>

#include <array>
#include <cstdint>
#include <string>

namespace vcflash {

struct ToMeConfig {
  Name name;
  std::int64_t input = 1024;   ///< width of the encoder's features
  std::int64_t output = 3584;  ///< width of the LLM's embeddings
  std::int64_t heads = 16;     ///< attention heads over which the similarity is averaged
  std::int64_t frame_tokens = 16;
  std::int64_t image_tokens = 64;
};

/// Token merging down to a few tokens a frame, then Linear, GELU, Linear to the LLM's width.
/// Tokens of a clip are merged together, across its frames. Upstream: `ToMe16_mlp_hd64`.
template <ToMeConfig C>
struct ToMe {
  static_assert(require<C.input % C.heads == 0,
                        Sentence{} << C.name << " averages over " << C.heads
                                   << " heads, which do not divide its input width " << C.input>);

  using Projection = Numbered<Linear<C.input, C.output>, Gelu, Linear<C.output, C.output>>;
  BOOST_HANA_DEFINE_STRUCT(ToMe, (Projection, mlp));

  static constexpr ToMeConfig config = C;
  static constexpr Name name = C.name;
  static constexpr std::int64_t input_width = C.input;
  static constexpr std::int64_t output_width = C.output;

  static std::string upstream_name() {
    return "tome" + std::to_string(C.frame_tokens) + "_mlp_hd" + std::to_string(C.image_tokens);
  }

  /// Tokens that leave for a clip of `frames` frames, or for an image (1).
  static constexpr std::int64_t tokens(std::int64_t frames) {
    return frames == 1 ? C.image_tokens : frames * C.frame_tokens;
  }

  /// \param features [clips, frames * patches, input]  \return [clips, tokens(frames), output]
  Tensor operator()(Tensor const& features, std::int64_t frames) const {
    auto const& [widen, gelu, mix] = mlp.layers;
    return mix(gelu(widen(kernels::merge_tokens(features, tokens(frames), C.heads))));
  }
};

/// Merges to `FrameTokens` tokens a video frame and `ImageTokens` an image, as wide as the LLM is.
template <std::int64_t FrameTokens, std::int64_t ImageTokens, Name name>
struct ToMeKind {
  template <class Encoder, class Llm>
  using Between = ToMe<ToMeConfig{.name = name,
                                  .input = Encoder::width,
                                  .output = Llm::hidden,
                                  .heads = Encoder::heads,
                                  .frame_tokens = FrameTokens,
                                  .image_tokens = ImageTokens}>;
};

/// VideoChat-Flash's own connector: 16 tokens a frame, 64 an image.
using ToMe16 = ToMeKind<16, 64, "ToMe16">;

/// `ToMe16` of a stated width, for a program that has no LLM at hand.
template <std::int64_t Output, std::int64_t Input = 1024>
using ToMe16To = ToMe<ToMeConfig{.name = "ToMe16", .input = Input, .output = Output}>;

static_assert(Connector<ToMe16To<3584>>);
static_assert(parameter_count<ToMe16To<3584>> == 16'522'240);
static_assert(parameter_count<ToMe16To<1536>> == 3'935'232);

}  // namespace vcflash
