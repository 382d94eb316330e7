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

  using Projection = GeluProjector<C.input, C.output>;
  BOOST_HANA_DEFINE_STRUCT(ToMe, (Projection, mlp));

  static constexpr ToMeConfig config = C;
  static constexpr Name name = C.name;
  static constexpr std::int64_t input_width = C.input;
  static constexpr std::int64_t output_width = C.output;

  static std::string upstream_name() {
    return "tome" + std::to_string(C.frame_tokens) + "_mlp_hd" + std::to_string(C.image_tokens);
  }

  static constexpr std::int64_t tokens(View const& view) {
    return view.image ? C.image_tokens : view.frames * C.frame_tokens;
  }
  /// Upstream lays the tokens of tiles out as if each tile's were a square. A number that is no
  /// square has no such place.
  static constexpr TokenGrid grid(View const& view) {
    std::int64_t side = 1;
    while (side * side < tokens(view) / view.frames) ++side;
    return side * side * view.frames == tokens(view) ? TokenGrid{side, side} : TokenGrid{};
  }

  /// \param features [clips, view.tokens(), input]
  /// \return [clips, tokens(view), output]
  Tensor operator()(Tensor const& features, View const& view) const {
    return mlp(kernels::merge_tokens(features, tokens(view), C.heads));
  }
};

/// Merges to `FrameTokens` tokens a video frame and `ImageTokens` an image, as wide as the LLM is.
template <std::int64_t FrameTokens, std::int64_t ImageTokens, Name name>
struct ToMeKind {
  /// \tparam Encoder which says by `heads` over what similarity is averaged
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
