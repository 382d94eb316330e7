#pragma once

#include <vcflash/encoders/vision_encoder.hpp>
#include <vcflash/kernels/attention.hpp>
#include <vcflash/layers/mlp.hpp>
#include <vcflash/layers/norm.hpp>
#include <vcflash/layers/patch_embedding.hpp>
#include <vcflash/layers/run.hpp>
#include <vcflash/layers/sinusoid.hpp>
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
template <std::int64_t Width, std::int64_t Heads>
struct UmtAttention {
  using Bias = Parameter<Role::bias, Width>;
  using Qkv = Linear<Width, 3 * Width, false>;
  using Out = Linear<Width, Width>;
  BOOST_HANA_DEFINE_STRUCT(UmtAttention, (Bias, q_bias), (Bias, v_bias), (Qkv, qkv), (Out, proj));

  /// \param x [batch, tokens, Width]  \return same shape
  Tensor operator()(Tensor const& x) const {
    std::int64_t const batch = x.size(0), tokens = x.size(1);
    Tensor const bias = aten::cat({q_bias.value, aten::zeros_like(v_bias.value), v_bias.value});
    auto const qkv_heads = aten::linear(x, qkv.weight, bias)
                               .view({batch, tokens, 3, Heads, Width / Heads})
                               .permute({2, 0, 3, 1, 4})
                               .unbind(0);
    Tensor const mixed =
        kernels::attention(qkv_heads[0], qkv_heads[1], qkv_heads[2], /*causal=*/false);
    return proj(mixed.transpose(1, 2).reshape({batch, tokens, Width}));
  }
};

template <UmtConfig C>
struct UmtBlock {
  using Norm = LayerNorm<C.width, 1e-6>;
  using Attention = UmtAttention<C.width, C.heads>;
  using Mlp = GeluMlp<C.width, C.width * C.mlp_ratio>;
  BOOST_HANA_DEFINE_STRUCT(UmtBlock, (Norm, norm1), (Attention, attn), (Norm, norm2), (Mlp, mlp));

  /// \param x [batch, tokens, width]  \return same shape
  Tensor operator()(Tensor const& x) const {
    Tensor const attended = x + attn(norm1(x));
    return attended + mlp(norm2(attended));
  }
};

template <UmtConfig C>
struct UmtTransformer {
  using Patches = PatchEmbedding<C.width, C.patch>;
  using Blocks = std::array<UmtBlock<C>, static_cast<std::size_t>(C.layers())>;
  using Norm = LayerNorm<C.width, 1e-12>;
  BOOST_HANA_DEFINE_STRUCT(UmtTransformer, (Patches, patch_embed), (Blocks, blocks),
                           (Norm, vision_layernorm));
};

/// Video encoder of Unmasked Teacher (Li et al. 2023), as VideoChat-Flash uses it: the output of
/// the second-to-last layer, normalized; positions are computed, not stored.
/// Upstream: `PretrainVisionTransformer` of umt/vit.py.
template <UmtConfig C>
struct Umt {
  static_assert(sound_transformer<C>);

  using Transformer = UmtTransformer<C>;
  BOOST_HANA_DEFINE_STRUCT(Umt, (Transformer, encoder));
  static constexpr std::array key_prefixes{"vision_tower.encoder."};

  static constexpr UmtConfig config = C;
  static constexpr Name name = C.name;
  static constexpr std::int64_t width = C.width;
  static constexpr std::int64_t heads = C.heads;
  static constexpr std::int64_t resolution = C.resolution;
  static constexpr PixelStatistics pixels = C.pixels;
  static constexpr std::int64_t clip_frames = C.clip_frames;
  static constexpr std::int64_t tokens_per_frame = C.side() * C.side();

  /// Upstream chooses its encoder by this name: the one of more pixels than it was made for has
  /// "hd" in it.
  static std::string upstream_name() {
    return C.resolution > C.position_resolution ? "umt-hd-large" : "umt-large";
  }

  /// \param pixels [clips, frames, 3, resolution, resolution], frames = clip_frames or 1
  /// \param run how each block is run
  /// \return [clips, frames * tokens_per_frame, width]
  template <class Run = RunDirectly>
  Tensor operator()(Tensor const& pixels, Run const& run = {}) const {
    Tensor hidden = encoder.patch_embed(pixels);
    hidden = hidden + positions(pixels.size(1), hidden);
    for (auto const& block : encoder.blocks) hidden = run(block, hidden);
    return encoder.vision_layernorm(hidden);
  }

  /// The position table of a clip of `frames` frames: [1, frames * tokens_per_frame, width] fp32.
  static Tensor position_table(std::int64_t frames) {
    constexpr std::int64_t made_side = C.position_resolution / C.patch;
    // An image has a table of its own, made for one frame, not the clip's table shrunk.
    return clip_positions({frames == 1 ? 1 : C.clip_frames, made_side}, {frames, C.side()},
                          C.width);
  }

 private:
  /// The table in the type and on the device of what it is added to, made when first asked for.
  static Tensor positions(std::int64_t frames, Tensor const& added_to) {
    static std::mutex guard;
    static std::vector<std::pair<std::int64_t, Tensor>> tables;
    require_clip_or_image<Umt>(frames);
    std::scoped_lock const lock(guard);
    for (auto const& [of_frames, table] : tables) {
      if (of_frames == frames && table.device() == added_to.device() &&
          table.scalar_type() == added_to.scalar_type()) {
        return table;
      }
    }
    Tensor const table = position_table(frames).to(added_to.options());
    if (!table.is_meta()) tables.emplace_back(frames, table);  // a rehearsal leaves nothing behind
    return table;
  }
};

static_assert(VisionEncoder<Umt<Res224>> && VisionEncoder<Umt<Res448>>);
static_assert(parameter_count<Umt<Res224>> == 290'479'104);
static_assert(parameter_count<Umt<Res448>> == 290'479'104);

}  // namespace vcflash
