#pragma once

#include <vcflash/encoders/vision_encoder.hpp>
#include <vcflash/kernels/attention.hpp>
#include <vcflash/layers/layer_scale.hpp>
#include <vcflash/layers/mlp.hpp>
#include <vcflash/layers/norm.hpp>
#include <vcflash/layers/parts.hpp>
#include <vcflash/layers/patch_embedding.hpp>
#include <vcflash/layers/run.hpp>
#include <vcflash/layers/sinusoid.hpp>
#include <vcflash/meta/key_alias.hpp>
#include <vcflash/tensor/aten.hpp>

#include <array>
#include <cstdint>
#include <string>

namespace vcflash {

/// Shape of an InternVideo2 video encoder. The defaults are InternVideo2-1B's.
struct InternVideo2Config {
  Name name;
  std::int64_t resolution = 224;  ///< pixels a side
  std::int64_t patch = 14;        ///< pixels a side of a patch
  std::int64_t width = 1408;
  std::int64_t depth = 40;  ///< layers of the published encoder
  std::int64_t heads = 16;
  std::int64_t intermediate = 6144;  ///< width inside the MLP: 48/11 of the encoder's
  std::int64_t clip_frames = 4;
  std::int64_t take_layer = -2;  ///< whose output is used, counted from the end
  double drop_path = 0.25;       ///< how often a training leaves out a branch of the last layer run
  PixelStatistics pixels{};

  constexpr std::int64_t layers() const { return depth + take_layer + 1; }
  constexpr std::int64_t side() const { return resolution / patch; }
};

/// Self-attention without biases, whose queries and keys are normalized over all heads together.
template <InternVideo2Config C, class P = PlainParts>
struct InternVideo2Attention {
  using Qkv = typename P::template Linear<Site::qkv, C.width, 3 * C.width, false>;
  using Out = typename P::template Linear<Site::attention_output, C.width, C.width>;
  using Norm = typename P::template RmsNorm<C.width, 1e-6>;
  BOOST_HANA_DEFINE_STRUCT(InternVideo2Attention, (Qkv, qkv), (Out, proj), (Norm, q_norm),
                           (Norm, k_norm));

  /// \param x [batch, tokens, width]  \return same shape
  Tensor operator()(Tensor const& x) const {
    auto const parts = qkv(x).unflatten(-1, {3, C.width}).unbind(2);
    auto const heads = [](Tensor const& part) {
      return part.unflatten(-1, {C.heads, C.width / C.heads}).transpose(1, 2);
    };
    Tensor const attended =
        kernels::attention(heads(q_norm(parts[0])), heads(k_norm(parts[1])), heads(parts[2]),
                           /*causal=*/false);
    return proj(attended.transpose(1, 2).flatten(2));
  }
};

template <InternVideo2Config C, class P = PlainParts>
struct InternVideo2Block {
  using Norm = typename P::template RmsNorm<C.width, 1e-6>;
  using Attention = InternVideo2Attention<C, P>;
  using Scale = typename P::template Other<LayerScale<C.width, 1e-5>>;
  using Mlp = GeluMlp<C.width, C.intermediate, P>;
  BOOST_HANA_DEFINE_STRUCT(InternVideo2Block, (Norm, norm1), (Attention, attn), (Scale, ls1),
                           (Norm, norm2), (Mlp, mlp), (Scale, ls2));

  /// \param x [batch, tokens, width]
  /// \param kept [batch, 1, 1], what the two branches are multiplied by; undefined: nothing
  /// \return same shape
  Tensor operator()(Tensor const& x, std::array<Tensor, 2> const& kept = {}) const {
    auto const weighed = [](Tensor const& branch, Tensor const& weight) {
      return weight.defined() ? branch * weight.to(branch.options()) : branch;
    };
    Tensor const attended = x + weighed(ls1(attn(norm1(x))), kept[0]);
    return attended + weighed(ls2(mlp(norm2(attended))), kept[1]);
  }
};

template <InternVideo2Config C, class P = PlainParts>
struct InternVideo2Transformer {
  struct ClassToken : Parameter<Role::embedding, 1, 1, C.width> {
    static Tensor initial() { return aten::zeros({1, 1, C.width}); }
  };
  /// Learned positions of the class token and of all patches of `Frames` frames.
  template <std::int64_t Frames>
  struct Positions : Parameter<Role::embedding, 1, 1 + Frames * C.side() * C.side(), C.width> {
    static Tensor initial() { return space_time_table(Frames, C.side(), C.width); }
  };
  using Class = typename P::template Other<ClassToken>;
  using ClipPositions = typename P::template Other<Positions<C.clip_frames>>;
  using ImagePositions = typename P::template Other<Positions<1>>;
  using Patches = typename P::template Other<PatchEmbedding<C.width, C.patch>>;
  using Blocks = std::array<InternVideo2Block<C, P>, static_cast<std::size_t>(C.layers())>;
  BOOST_HANA_DEFINE_STRUCT(InternVideo2Transformer, (Class, cls_token),
                           (ClipPositions, pos_embed), (ImagePositions, img_pos_embed),
                           (Patches, patch_embed), (Blocks, blocks));
};

/// Video encoder of InternVideo2 (Wang et al. 2024), as VideoChat-Flash uses it: the output of the
/// second-to-last layer, not normalized, without the class token; positions are learned, those of
/// an image apart. Upstream: `PretrainVisionTransformer_clean` of internvideo2/vit_scale_clean.py.
/// \tparam P what it is made of (layers/parts.hpp)
template <InternVideo2Config C, class P = PlainParts>
struct InternVideo2 : TransformerFacts<C> {
  static_assert(sound_transformer<C>);
  static_assert(require<C.width % 16 == 0, Sentence{} << C.name << " is " << C.width
                                                      << " wide, but its positions come in parts"
                                                         " of a sixteenth">);

  using Transformer = InternVideo2Transformer<C, P>;
  BOOST_HANA_DEFINE_STRUCT(InternVideo2, (Transformer, vision_tower));
  /// As its raw file spells them.
  static constexpr std::array key_aliases{KeyAlias{"", "vision_tower."}};

  using Parts = P;
  template <class OtherParts>
  using MadeOf = InternVideo2<C, OtherParts>;
  template <class Policy>
  using With = typename Policy::template Applied<InternVideo2>;

  static std::string upstream_name() { return "internvideo2"; }

  /// \param pixels [clips, view.frames, 3, resolution, resolution]
  /// \param view `clip` or `image`
  /// \param run how each block is run
  /// \return [clips, view.tokens(), width]
  template <class Run = RunDirectly>
  Tensor operator()(Tensor const& pixels, View const& view, Run const& run = {}) const {
    require_frames<InternVideo2>(pixels, view);
    std::int64_t const clips = pixels.size(0);
    auto const& tower = vision_tower;
    Tensor const& positions = view.image ? tower.img_pos_embed.value : tower.pos_embed.value;
    Tensor const first = tower.cls_token.value.expand({clips, 1, C.width});
    Tensor hidden = aten::cat({first, tower.patch_embed(pixels)}, 1) + positions;
    for (std::size_t i = 0; i < tower.blocks.size(); ++i) {
      auto const& block = tower.blocks[i];
      if constexpr (DropsPaths<Run>) {
        std::array const kept{run.kept(clips, drop_rate(i)), run.kept(clips, drop_rate(i))};
        hidden = run([&block, kept](Tensor const& x) { return block(x, kept); }, hidden);
      } else {
        hidden = run(block, hidden);
      }
    }
    return hidden.slice(1, 1);
  }

 private:
  /// Rises from nothing at the first layer to `drop_path` at the last.
  static constexpr double drop_rate(std::size_t layer) {
    std::int64_t const last = C.layers() > 1 ? C.layers() - 1 : 1;
    return C.drop_path * static_cast<double>(layer) / static_cast<double>(last);
  }
};

/// InternVideo2-1B at 224 pixels.
using InternVideo2_1B = InternVideo2<InternVideo2Config{.name = "InternVideo2_1B"}>;

static_assert(VisionEncoder<InternVideo2_1B>);
static_assert(parameter_count<InternVideo2_1B> == 987'337'728 && key_count<InternVideo2_1B> == 512);

}  // namespace vcflash
