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

/// Shape of a SigLIP image encoder. The defaults are those of so400m/14 at 384 pixels.
struct SiglipConfig {
  static constexpr std::int64_t clip_frames = 1;

  Name name;
  std::int64_t resolution = 384;  ///< pixels a side
  std::int64_t patch = 14;        ///< pixels a side of a patch; a rest is left out
  std::int64_t width = 1152;
  std::int64_t depth = 27;  ///< layers of the published encoder
  std::int64_t heads = 16;
  std::int64_t intermediate = 4304;  ///< width inside the MLP
  std::int64_t take_layer = -2;      ///< whose output is used, counted from the end
  PixelStatistics pixels{.mean = {0.5F, 0.5F, 0.5F}, .deviation = {0.5F, 0.5F, 0.5F}};

  constexpr std::int64_t layers() const { return depth + take_layer + 1; }
  constexpr std::int64_t side() const { return resolution / patch; }
};

template <SiglipConfig C, class P = PlainParts>
struct SiglipEmbeddings {
  using Patches = typename P::template Other<ImagePatches<C.width, C.patch>>;
  using Positions = typename P::template Embedding<C.side() * C.side(), C.width>;
  BOOST_HANA_DEFINE_STRUCT(SiglipEmbeddings, (Patches, patch_embedding),
                           (Positions, position_embedding));

  /// \param pixels [images, 3, resolution, resolution]  \return [images, patches, width]
  Tensor operator()(Tensor const& pixels) const {
    return patch_embedding(pixels) + position_embedding.table();
  }
};

template <SiglipConfig C, class P = PlainParts>
struct SiglipTransformer {
  using Embeddings = SiglipEmbeddings<C, P>;
  using Layers = ClipLayers<C, TanhGelu, 1e-6, P>;
  // Checkpoints have it, but what is taken is the output of a layer as it is.
  using Unused = Frozen<typename P::template LayerNorm<C.width, 1e-6>>;
  BOOST_HANA_DEFINE_STRUCT(SiglipTransformer, (Embeddings, embeddings), (Layers, encoder),
                           (Unused, post_layernorm));
};

/// Image encoder of SigLIP (Zhai et al. 2023), as LLaVA uses it: the output of the second-to-last
/// layer, not normalized. It sees each frame alone. transformers: `SiglipVisionModel`; LLaVA-NeXT:
/// `SigLipVisionTower`, whose keys these are.
/// \tparam P what it is made of (layers/parts.hpp)
template <SiglipConfig C, class P = PlainParts>
struct Siglip : TransformerFacts<C> {
  static_assert(sound_transformer<C, /*leaves_rest=*/true>);

  using Transformer = SiglipTransformer<C, P>;
  BOOST_HANA_DEFINE_STRUCT(Siglip, (Transformer, vision_model));
  static constexpr std::array key_prefixes{"vision_tower.vision_model."};
  /// As released files spell them, and as transformers does since its fifth version.
  static constexpr std::array key_aliases{KeyAlias{"vision_model.", "vision_tower.vision_model."},
                                          KeyAlias{"", "vision_tower.vision_model."}};

  using Parts = P;
  template <class OtherParts>
  using MadeOf = Siglip<C, OtherParts>;
  template <class Policy>
  using With = typename Policy::template Applied<Siglip>;

  static std::string upstream_name() {
    return "google/siglip-so400m-patch" + std::to_string(C.patch) + "-" +
           std::to_string(C.resolution);
  }

  /// \param pixels [clips, view.frames, 3, resolution, resolution]
  /// \param view `clip` or `image`, or more frames
  /// \param run how each layer is run
  /// \return [clips, view.tokens(), width]
  template <class Run = RunDirectly>
  Tensor operator()(Tensor const& pixels, View const& view, Run const& run = {}) const {
    require_frames<Siglip>(pixels, view);
    Tensor const images = pixels.flatten(0, 1);
    Tensor const features = vision_model.encoder(vision_model.embeddings(images), run);
    return features.reshape({pixels.size(0), view.tokens(), C.width});
  }
};

/// SigLIP so400m with patches of 14 pixels, at 384.
using Siglip_So400m_384 = Siglip<SiglipConfig{.name = "Siglip_So400m_384"}>;

static_assert(VisionEncoder<Siglip_So400m_384>);
static_assert(Siglip_So400m_384::image.tokens() == 729);
static_assert(parameter_count<Siglip_So400m_384> == 397'747'744 &&
              key_count<Siglip_So400m_384> == 421);

}  // namespace vcflash
