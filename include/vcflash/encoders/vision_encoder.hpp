#pragma once

#include <vcflash/meta/reflect.hpp>
#include <vcflash/meta/sentence.hpp>
#include <vcflash/tensor/tensor.hpp>

#include <array>
#include <concepts>
#include <cstdint>

namespace vcflash {

/// What is subtracted from and divided out of pixels in 0..1, by colour.
struct PixelStatistics {
  std::array<float, 3> mean{0.485F, 0.456F, 0.406F};  // ImageNet's
  std::array<float, 3> deviation{0.229F, 0.224F, 0.225F};
};

/// Turns the pixels of clips, or of single images, into patch features.
/// Promises: `encoder(pixels)` takes [clips, frames, 3, resolution, resolution], frames being
/// `clip_frames` or 1, and gives [clips, frames * tokens_per_frame, width].
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
};

}  // namespace vcflash
