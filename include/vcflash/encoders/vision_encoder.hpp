#pragma once

#include <vcflash/base/error.hpp>
#include <vcflash/meta/reflect.hpp>
#include <vcflash/meta/sentence.hpp>
#include <vcflash/tensor/tensor.hpp>

#include <array>
#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>

namespace vcflash {

/// What is subtracted from and divided out of pixels in 0..1, by colour.
struct PixelStatistics {
  std::array<float, 3> mean{0.485F, 0.456F, 0.406F};  // ImageNet's
  std::array<float, 3> deviation{0.229F, 0.224F, 0.225F};
};

/// Turns the pixels of clips, or of single images, into patch features.
/// Promises: `encoder(pixels)` takes [clips, frames, 3, resolution, resolution], frames being
/// `clip_frames` or 1, and gives [clips, frames * tokens_per_frame, width]; `upstream_name()` is
/// what upstream's config.json calls it.
template <class E>
concept VisionEncoder = Reflected<E> && requires(E const& encoder, Tensor const& pixels) {
  { E::name } -> std::convertible_to<std::string_view>;
  { E::width } -> std::convertible_to<std::int64_t>;
  { E::heads } -> std::convertible_to<std::int64_t>;
  { E::pixels } -> std::convertible_to<PixelStatistics>;
  { E::resolution } -> std::convertible_to<std::int64_t>;
  { E::clip_frames } -> std::convertible_to<std::int64_t>;
  { E::tokens_per_frame } -> std::convertible_to<std::int64_t>;
  { encoder(pixels) } -> std::same_as<Tensor>;
  { E::upstream_name() } -> std::convertible_to<std::string>;
};

/// What an encoder takes of a video or an image, without its type.
struct PixelNeeds {
  std::int64_t clip_frames = 4, resolution = 224;
  PixelStatistics statistics{};
};

template <VisionEncoder E>
constexpr PixelNeeds pixel_needs() {
  return {.clip_frames = E::clip_frames, .resolution = E::resolution, .statistics = E::pixels};
}

/// Whether a configuration can be a vision transformer's.
template <auto C>
inline constexpr bool sound_transformer =
    require<C.width % C.heads == 0, Sentence{} << C.name << " has " << C.heads
                                               << " heads, which do not divide its width "
                                               << C.width>&&
        require<C.resolution % C.patch == 0,
                Sentence{} << C.name << " has patches of " << C.patch
                           << " pixels, which do not divide its resolution " << C.resolution>&&
            require<(C.layers() > 0 && C.layers() <= C.depth),
                    Sentence{} << C.name << " takes layer " << C.take_layer << " of " << C.depth
                               << " layers, which does not exist">;

/// \throws Error unless an encoder takes `frames` frames at once
template <class E>
void require_clip_or_image(std::int64_t frames) {
  if (frames == 1 || frames == E::clip_frames) return;
  fail(std::string_view(E::name), " takes clips of ", E::clip_frames,
       " frames or single images, not ", frames, " frames");
}

}  // namespace vcflash
