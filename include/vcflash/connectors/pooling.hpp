#pragma once

#include <vcflash/connectors/projection.hpp>
#include <vcflash/layers/mlp.hpp>
#include <vcflash/meta/key_alias.hpp>
#include <vcflash/tensor/aten.hpp>
#include <vcflash/tensor/parameter.hpp>

#include <ATen/core/Generator.h>

#include <array>
#include <cmath>
#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>

namespace vcflash {

/// What becomes of patches that become one.
enum class PoolingMode { average, bilinear, max };

/// Where a learned token ends a line of a video's tokens.
enum class Newline { none, one, per_frame, per_row };

constexpr std::string_view name_of(PoolingMode mode) {
  switch (mode) {
    case PoolingMode::average:
      return "average";
    case PoolingMode::bilinear:
      return "bilinear";
    case PoolingMode::max:
      return "max";
  }
  return "unknown";
}

/// As upstream's `mm_newline_position` has it; LLaVA-NeXT calls none `no_token`.
constexpr std::string_view name_of(Newline newline) {
  switch (newline) {
    case Newline::none:
      return "nothing";
    case Newline::one:
      return "one_token";
    case Newline::per_frame:
      return "frame";
    case Newline::per_row:
      return "grid";
  }
  return "unknown";
}

struct PoolingConfig {
  Name name;
  std::int64_t input = 1152;  ///< width of the encoder's features
  std::int64_t output = 896;  ///< width of the LLM's embeddings
  std::int64_t factor = 2;    ///< rows, and columns, that become one; a rest becomes one too
  PoolingMode mode = PoolingMode::bilinear;
  bool before_mlp = false;
  std::int64_t depth = 2;  ///< linear maps of the MLP
  Newline newline = Newline::none;
};

/// An MLP on every patch and, of videos, neighbouring patches pooled into one; images keep theirs.
/// LLaVA-NeXT: `get_2dPool` behind an `mlpNx_gelu`; transformers' LLaVA-NeXT-Video pools before it.
/// Upstream's average and maximum leave out a rest that fills no square; here it is pooled.
template <PoolingConfig C>
struct PoolingConnector {
  static_assert(require<(C.factor >= 1), Sentence{} << C.name << " pools by " << C.factor>);

  /// As upstream draws it.
  struct LineBreak : Parameter<Role::embedding, C.output> {
    static Tensor initial(at::Generator& generator) {
      return aten::empty({C.output}).normal_(0, 1 / std::sqrt(double{C.output}), generator);
    }
  };
  using Projection = GeluProjector<C.input, C.output, C.depth>;
  using Break = std::conditional_t<C.newline == Newline::none, Absent, LineBreak>;
  BOOST_HANA_DEFINE_STRUCT(PoolingConnector, (Projection, layers), (Break, image_newline));

  /// The line break stands beside the projector in a whole model.
  static constexpr char const* model_prefix = "model.";
  static constexpr std::array key_prefixes{"mm_projector.", "image_newline"};
  /// As transformers has them.
  static constexpr std::array key_aliases{KeyAlias{"mm_projector.linear_1.", "mm_projector.0."},
                                          KeyAlias{"mm_projector.linear_2.", "mm_projector.2."}};

  static constexpr PoolingConfig config = C;
  static constexpr Name name = C.name;
  static constexpr std::int64_t input_width = C.input;
  static constexpr std::int64_t output_width = C.output;

  static std::string upstream_name() { return "mlp" + std::to_string(C.depth) + "x_gelu"; }

  static constexpr std::int64_t tokens(View const& view) {
    if (view.image) return view.tokens();
    std::int64_t const in_row = pooled(view.columns) + (C.newline == Newline::per_row ? 1 : 0);
    return view.frames * (pooled(view.rows) * in_row + (C.newline == Newline::per_frame ? 1 : 0));
  }
  static constexpr TokenGrid grid(View const& view) {
    return view.image ? TokenGrid{view.rows, view.columns}
                      : TokenGrid{pooled(view.rows), pooled(view.columns)};
  }

  /// \param features [clips, view.tokens(), input]
  /// \return [clips, tokens(view), output]
  Tensor operator()(Tensor const& features, View const& view) const {
    if (view.image) return layers(features);
    Tensor const x = C.before_mlp ? layers(pooled(features, view)) : pooled(layers(features), view);
    if constexpr (C.newline == Newline::per_row) {
      return with_breaks(x.unflatten(1, {view.frames * pooled(view.rows), pooled(view.columns)}));
    } else if constexpr (C.newline == Newline::per_frame) {
      return with_breaks(x.unflatten(1, {view.frames, -1}));
    } else {
      return x;
    }
  }

  /// \param tokens [tokens, output] of all of a video's frames
  /// \return the same, and the line break that ends a video
  Tensor ended_video(Tensor const& tokens) const requires(C.newline != Newline::none) {
    if constexpr (C.newline == Newline::one) {
      return aten::cat({tokens, image_newline.value.unsqueeze(0)});
    } else {
      return tokens;
    }
  }

  /// \param whole [tokens, output] of the whole image
  /// \param raster [rows, columns, output] of its tiles together; undefined: it was not cut
  /// \return [tokens, output], each row of the raster with a line break, or else one at the end
  Tensor ended_image(Tensor const& whole, Tensor const& raster) const
      requires(C.newline != Newline::none) {
    if (!raster.defined()) return aten::cat({whole, image_newline.value.unsqueeze(0)});
    return aten::cat({whole, with_breaks(raster.unsqueeze(0)).squeeze(0)});
  }

 private:
  static constexpr std::int64_t pooled(std::int64_t patches) {
    return (patches + C.factor - 1) / C.factor;
  }

  /// \param x [clips, view.tokens(), width]  \return [clips, pooled tokens, width]
  static Tensor pooled(Tensor const& x, View const& view) {
    std::int64_t const clips = x.size(0), width = x.size(2);
    Tensor const grid =
        x.reshape({clips * view.frames, view.rows, view.columns, width}).permute({0, 3, 1, 2});
    Tensor const small = [&] {
      if constexpr (C.mode == PoolingMode::bilinear) {
        return aten::upsample_bilinear2d(grid, {pooled(view.rows), pooled(view.columns)});
      } else if constexpr (C.mode == PoolingMode::average) {
        return aten::avg_pool2d(grid, C.factor);
      } else {
        return aten::max_pool2d(grid, C.factor);
      }
    }();
    return small.permute({0, 2, 3, 1}).reshape({clips, -1, width});
  }

  /// \param lines [clips, lines, tokens, output]
  /// \return [clips, lines * (tokens + 1), output], the line break behind each line
  Tensor with_breaks(Tensor const& lines) const {
    Tensor const breaks = image_newline.value.expand({lines.size(0), lines.size(1), 1, C.output});
    return aten::cat({lines, breaks}, 2).flatten(1, 2);
  }
};

/// `PoolingConnector` between any neighbours.
/// \tparam kind how it pools; its widths are those of its neighbours
template <PoolingConfig kind>
struct PoolingKind {
  template <class Encoder, class Llm>
  static constexpr PoolingConfig fitted() {
    static_assert(require<(Encoder::image.rows > 1),
                          Sentence{} << std::string_view(kind.name) << " pools a raster, "
                                     << std::string_view(Encoder::name) << " gives a row">);
    PoolingConfig config = kind;
    config.input = Encoder::width;
    config.output = Llm::hidden;
    return config;
  }
  template <class Encoder, class Llm>
  using Between = PoolingConnector<fitted<Encoder, Llm>()>;
};

/// What LLaVA-OneVision has: half the rows and columns, and a line break behind a video.
using Pool2x2 = PoolingKind<PoolingConfig{.name = "Pool2x2", .newline = Newline::one}>;

static_assert(Connector<PoolingConnector<PoolingConfig{.name = "Pool"}>>);
static_assert(parameter_count<PoolingConnector<PoolingConfig{
                  .name = "Pool", .input = 1024, .output = 3584, .newline = Newline::one}>> ==
              16'525'824);
static_assert(
    EndsMedia<PoolingConnector<PoolingConfig{.name = "Pool", .newline = Newline::per_row}>>);
static_assert(!EndsMedia<PoolingConnector<PoolingConfig{.name = "Pool"}>>);

}  // namespace vcflash
