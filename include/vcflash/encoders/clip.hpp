#pragma once

#include <vcflash/encoders/clip_layer.hpp>
#include <vcflash/encoders/vision_encoder.hpp>
#include <vcflash/layers/mlp.hpp>
#include <vcflash/layers/norm.hpp>
#include <vcflash/layers/parts.hpp>
#include <vcflash/layers/patch_embedding.hpp>
#include <vcflash/layers/run.hpp>
#include <vcflash/meta/key_alias.hpp>
#include <vcflash/tensor/aten.hpp>

#include <array>
#include <cstdint>
#include <string>

namespace vcflash {

/// Shape of a CLIP image encoder. The defaults are those of L/14 at 336 pixels.
struct ClipConfig {
  static constexpr std::int64_t clip_frames = 1;

  Name name;
  std::int64_t resolution = 336;  ///< pixels a side
  std::int64_t patch = 14;        ///< pixels a side of a patch; a rest is left out
  std::int64_t width = 1024;
  std::int64_t depth = 24;  ///< layers of the published encoder
  std::int64_t heads = 16;
  std::int64_t intermediate = 4096;  ///< width inside the MLP
  std::int64_t take_layer = -2;      ///< whose output is used, counted from the end
  bool keeps_class_token = false;    ///< LLaVA's `cls_patch` instead of `patch`
  PixelStatistics pixels{.mean = {0.48145466F, 0.4578275F, 0.40821073F},
                         .deviation = {0.26862954F, 0.26130258F, 0.27577711F}};

  constexpr std::int64_t layers() const { return depth + take_layer + 1; }
  constexpr std::int64_t side() const { return resolution / patch; }
};

template <ClipConfig C, class P = PlainParts>
struct ClipEmbeddings {
  using Class = typename P::template Other<Parameter<Role::embedding, C.width>>;
  using Patches = typename P::template Other<ImagePatches<C.width, C.patch, /*Biased=*/false>>;
  using Positions = typename P::template Embedding<1 + C.side() * C.side(), C.width>;
  BOOST_HANA_DEFINE_STRUCT(ClipEmbeddings, (Class, class_embedding), (Patches, patch_embedding),
                           (Positions, position_embedding));

  /// \param pixels [images, 3, resolution, resolution]
  /// \return [images, 1 + patches, width], the class token first
  Tensor operator()(Tensor const& pixels) const {
    Tensor const first = class_embedding.value.expand({pixels.size(0), 1, C.width});
    return aten::cat({first, patch_embedding(pixels)}, 1) + position_embedding.table();
  }
};

template <ClipConfig C, class P = PlainParts>
struct ClipTransformer {
  using Embeddings = ClipEmbeddings<C, P>;
  using Norm = typename P::template LayerNorm<C.width, 1e-5>;
  using Layers = ClipLayers<C, QuickGelu, 1e-5, P>;
  // Checkpoints have it, but what is taken is the output of a layer as it is.
  using Unused = Frozen<Norm>;
  BOOST_HANA_DEFINE_STRUCT(ClipTransformer, (Embeddings, embeddings),
                           (Norm, pre_layrnorm),  // spelled as in the released files
                           (Layers, encoder), (Unused, post_layernorm));
};

/// Image encoder of CLIP (Radford et al. 2021), as LLaVA uses it: the patches of the second-to-last
/// layer, not normalized. It sees each frame alone. transformers: `CLIPVisionModel`; LLaVA:
/// `CLIPVisionTower`, whose keys these are.
/// \tparam P what it is made of (layers/parts.hpp)
template <ClipConfig C, class P = PlainParts>
struct Clip : TransformerFacts<C> {
  static_assert(sound_transformer<C, /*leaves_rest=*/true>);

  using Transformer = ClipTransformer<C, P>;
  BOOST_HANA_DEFINE_STRUCT(Clip, (Transformer, vision_model));
  static constexpr std::array key_prefixes{"vision_tower.vision_model."};
  /// As released files spell them, and as transformers does since its fifth version.
  static constexpr std::array key_aliases{KeyAlias{"vision_model.", "vision_tower.vision_model."},
                                          KeyAlias{"", "vision_tower.vision_model."}};

  using Parts = P;
  template <class OtherParts>
  using MadeOf = Clip<C, OtherParts>;
  template <class Policy>
  using With = typename Policy::template Applied<Clip>;

  /// With the class token the features are a row without a second dimension.
  static constexpr View clip =
      C.keeps_class_token ? View{false, 1, 1, 1 + C.side() * C.side()} : TransformerFacts<C>::clip;
  static constexpr View image{true, 1, clip.rows, clip.columns};

  static std::string upstream_name() {
    return "openai/clip-vit-large-patch" + std::to_string(C.patch) +
           (C.resolution == 224 ? "" : "-" + std::to_string(C.resolution));
  }

  /// \param pixels [clips, view.frames, 3, resolution, resolution]
  /// \param view `clip` or `image`, or more frames
  /// \param run how each layer is run
  /// \return [clips, view.tokens(), width]
  template <class Run = RunDirectly>
  Tensor operator()(Tensor const& pixels, View const& view, Run const& run = {}) const {
    require_frames<Clip>(pixels, view);
    Tensor const embedded = vision_model.embeddings(pixels.flatten(0, 1));
    Tensor const states = vision_model.encoder(vision_model.pre_layrnorm(embedded), run);
    Tensor const features = C.keeps_class_token ? states : states.slice(1, 1);
    return features.reshape({pixels.size(0), view.tokens(), C.width});
  }
};

/// CLIP L with patches of 14 pixels, at 336.
using Clip_L_336 = Clip<ClipConfig{.name = "Clip_L_336"}>;

static_assert(VisionEncoder<Clip_L_336>);
static_assert(Clip_L_336::image.tokens() == 576);
static_assert(parameter_count<Clip_L_336> == 290'911'232 && key_count<Clip_L_336> == 375);

}  // namespace vcflash
