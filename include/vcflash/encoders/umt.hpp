#pragma once

#include <vcflash/encoders/vision_encoder.hpp>
#include <vcflash/kernels/attention.hpp>
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
#include <mutex>
#include <string>
#include <utility>
#include <vector>

namespace vcflash {

/// Shape of an Unmasked Teacher video encoder. The defaults are UMT-L's.
struct UmtConfig {
  Name name;
  std::int64_t resolution = 224;  ///< pixels a side
  std::int64_t patch = 16;        ///< pixels a side of a patch
  std::int64_t width = 1024;
  std::int64_t depth = 24;  ///< layers of the published encoder
  std::int64_t heads = 16;
  std::int64_t mlp_ratio = 4;
  std::int64_t clip_frames = 4;
  std::int64_t take_layer = -2;            ///< whose output is used, counted from the end
  std::int64_t position_resolution = 224;  ///< pixels a side that the positions were made for
  PixelStatistics pixels{};

  constexpr std::int64_t layers() const { return depth + take_layer + 1; }
  constexpr std::int64_t side() const { return resolution / patch; }
};

/// UMT-L at 224 and at 448 pixels; at 448 the position table of 224 is interpolated.
inline constexpr UmtConfig Res224{.name = "Umt<Res224>", .resolution = 224};
inline constexpr UmtConfig Res448{.name = "Umt<Res448>", .resolution = 448};

/// Self-attention with biases on queries and values and none on keys.
template <std::int64_t Width, std::int64_t Heads, class P = PlainParts>
struct UmtAttention {
  using Bias = typename P::template Other<Parameter<Role::bias, Width>>;
  using Qkv = typename P::template Linear<Site::qkv, Width, 3 * Width, false>;
  using Out = typename P::template Linear<Site::attention_output, Width, Width>;
  BOOST_HANA_DEFINE_STRUCT(UmtAttention, (Bias, q_bias), (Bias, v_bias), (Qkv, qkv), (Out, proj));

  /// \param x [batch, tokens, Width]  \return same shape
  Tensor operator()(Tensor const& x) const {
    std::int64_t const batch = x.size(0), tokens = x.size(1);
    Tensor const bias = aten::cat({q_bias.value, aten::zeros_like(v_bias.value), v_bias.value});
    auto const qkv_heads = qkv(x, bias)
                               .view({batch, tokens, 3, Heads, Width / Heads})
                               .permute({2, 0, 3, 1, 4})
                               .unbind(0);
    Tensor const attended =
        kernels::attention(qkv_heads[0], qkv_heads[1], qkv_heads[2], /*causal=*/false);
    return proj(attended.transpose(1, 2).reshape({batch, tokens, Width}));
  }
};

template <UmtConfig C, class P = PlainParts>
struct UmtBlock {
  using Norm = typename P::template LayerNorm<C.width, 1e-6>;
  using Attention = UmtAttention<C.width, C.heads, P>;
  using Mlp = GeluMlp<C.width, C.width * C.mlp_ratio, P>;
  BOOST_HANA_DEFINE_STRUCT(UmtBlock, (Norm, norm1), (Attention, attn), (Norm, norm2), (Mlp, mlp));

  /// \param x [batch, tokens, width]  \return same shape
  Tensor operator()(Tensor const& x) const {
    Tensor const attended = x + attn(norm1(x));
    return attended + mlp(norm2(attended));
  }
};

template <UmtConfig C, class P = PlainParts>
struct UmtTransformer {
  using Patches = typename P::template Other<PatchEmbedding<C.width, C.patch>>;
  using Blocks = std::array<UmtBlock<C, P>, static_cast<std::size_t>(C.layers())>;
  using Norm = typename P::template LayerNorm<C.width, 1e-12>;
  BOOST_HANA_DEFINE_STRUCT(UmtTransformer, (Patches, patch_embed), (Blocks, blocks),
                           (Norm, vision_layernorm));
};

/// Video encoder of Unmasked Teacher (Li et al. 2023), as VideoChat-Flash uses it: the output of
/// the second-to-last layer, normalized; positions are computed, not stored.
/// Upstream: `PretrainVisionTransformer` of umt/vit.py.
/// \tparam P what it is made of (layers/parts.hpp)
template <UmtConfig C, class P = PlainParts>
struct Umt : TransformerFacts<C> {
  static_assert(sound_transformer<C>);

  using Transformer = UmtTransformer<C, P>;
  BOOST_HANA_DEFINE_STRUCT(Umt, (Transformer, encoder));
  static constexpr std::array key_prefixes{"vision_tower.encoder."};
  /// As its raw file spells them.
  static constexpr std::array key_aliases{
      KeyAlias{"encoder.norm.", "vision_tower.encoder.vision_layernorm."},
      KeyAlias{"", "vision_tower."}};

  using Parts = P;
  template <class OtherParts>
  using MadeOf = Umt<C, OtherParts>;
  template <class Policy>
  using With = typename Policy::template Applied<Umt>;

  /// Upstream chooses its encoder by this name: the one of more pixels than it was made for has
  /// "hd" in it.
  static std::string upstream_name() {
    return C.resolution > C.position_resolution ? "umt-hd-large" : "umt-large";
  }

  /// \param pixels [clips, view.frames, 3, resolution, resolution]
  /// \param view `clip` or `image`
  /// \param run how each block is run
  /// \return [clips, view.tokens(), width]
  template <class Run = RunDirectly>
  Tensor operator()(Tensor const& pixels, View const& view, Run const& run = {}) const {
    require_frames<Umt>(pixels, view);
    Tensor hidden = encoder.patch_embed(pixels);
    hidden = hidden + positions(view, hidden);
    for (auto const& block : encoder.blocks) hidden = run(block, hidden);
    return encoder.vision_layernorm(hidden);
  }

  /// The position table of a view, which may be longer than `clip`.
  /// \return [1, view.tokens(), width] fp32
  static Tensor position_table(View const& view) {
    constexpr std::int64_t made_side = C.position_resolution / C.patch;
    // An image has a table of its own, made for one frame, not the clip's table shrunk.
    return clip_positions({view.image ? 1 : C.clip_frames, made_side}, {view.frames, C.side()},
                          C.width);
  }

 private:
  /// The table in the type and on the device of what it is added to, made when first asked for.
  static Tensor positions(View const& view, Tensor const& added_to) {
    static std::mutex guard;
    static std::vector<std::pair<View, Tensor>> tables;
    std::scoped_lock const lock(guard);
    for (auto const& [of_view, table] : tables) {
      if (of_view == view && table.device() == added_to.device() &&
          table.scalar_type() == added_to.scalar_type()) {
        return table;
      }
    }
    Tensor const table = position_table(view).to(added_to.options());
    if (!table.is_meta()) tables.emplace_back(view, table);  // a rehearsal leaves nothing behind
    return table;
  }
};

static_assert(VisionEncoder<Umt<Res224>> && VisionEncoder<Umt<Res448>>);
static_assert(parameter_count<Umt<Res224>> == 290'479'104);
static_assert(parameter_count<Umt<Res448>> == 290'479'104);

}  // namespace vcflash
