#pragma once

#include <vcflash/base/error.hpp>
#include <vcflash/layers/run.hpp>
#include <vcflash/layers/view.hpp>
#include <vcflash/meta/reflect.hpp>
#include <vcflash/meta/sentence.hpp>
#include <vcflash/meta/type_name.hpp>
#include <vcflash/tensor/tensor.hpp>

#include <array>
#include <concepts>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace vcflash {

/// What is subtracted from and divided out of pixels in 0..1, by colour.
struct PixelStatistics {
  std::array<float, 3> mean{0.485F, 0.456F, 0.406F};  // ImageNet's
  std::array<float, 3> deviation{0.229F, 0.224F, 0.225F};
};

/// Turns the pixels of clips, or of single images, into patch features.
/// Promises: `clip` and `image` are what it takes; `encoder(pixels, view, run)` takes
/// [clips, view.frames, 3, resolution, resolution] for either view and gives
/// [clips, view.tokens(), width], by frame, then row, then column; `run(layer, x)` runs each layer
/// (layers/run.hpp); `upstream_name()` is what upstream's config.json calls it.
template <class E>
concept VisionEncoder = Reflected<E> && requires(E const& encoder, Tensor const& pixels) {
  { E::name } -> std::convertible_to<std::string_view>;
  { E::width } -> std::convertible_to<std::int64_t>;
  { E::pixels } -> std::convertible_to<PixelStatistics>;
  { E::resolution } -> std::convertible_to<std::int64_t>;
  { E::clip } -> std::convertible_to<View>;
  { E::image } -> std::convertible_to<View>;
  { encoder(pixels, E::clip) } -> std::same_as<Tensor>;
  { encoder(pixels, E::image, RunDirectly{}) } -> std::same_as<Tensor>;
  { E::upstream_name() } -> std::convertible_to<std::string>;
};

/// What a type lacks that is to be an encoder, in a sentence for the compiler to say.
template <class E>
consteval Sentence why_no_encoder() {
  auto const lacks = [](std::string_view what) {
    return Sentence{} << component_name<E>()
                      << " is no VisionEncoder (encoders/vision_encoder.hpp): it lacks " << what;
  };
  if constexpr (!Reflected<E>) {
    return lacks("BOOST_HANA_DEFINE_STRUCT");
  } else if constexpr (!requires { std::string_view(E::name); }) {
    return lacks("a name");
  } else if constexpr (!requires { std::int64_t{E::width}; }) {
    return lacks("the width of its features");
  } else if constexpr (!requires { std::int64_t{E::resolution}; }) {
    return lacks("the resolution of its pixels");
  } else if constexpr (!requires { PixelStatistics(E::pixels); }) {
    return lacks("pixels, the statistics that they are normalized by");
  } else if constexpr (!requires { View(E::clip), View(E::image); }) {
    return lacks("the views clip and image");
  } else if constexpr (!requires(E const& encoder, Tensor const& t) { encoder(t, View{}); }) {
    return lacks("operator()(pixels, view)");
  } else if constexpr (!requires(E const& encoder, Tensor const& t) {
                         encoder(t, View{}, RunDirectly{});
                       }) {
    return lacks("operator()(pixels, view, run), which says how its layers are run");
  } else if constexpr (!requires { std::string(E::upstream_name()); }) {
    return lacks("upstream_name()");
  } else {
    return lacks("a Tensor as its result");
  }
}

/// What the type of a vision transformer tells of its configuration, alike in all of them.
/// \tparam C with `name`, `width`, `heads`, `resolution`, `pixels`, `clip_frames` and `side()`,
/// the patches along a side
template <auto C>
struct TransformerFacts {
  static constexpr auto config = C;
  static constexpr Name name = C.name;
  static constexpr std::int64_t width = C.width;
  static constexpr std::int64_t heads = C.heads;
  static constexpr std::int64_t resolution = C.resolution;
  static constexpr PixelStatistics pixels = C.pixels;
  static constexpr View clip{false, C.clip_frames, C.side(), C.side()};
  static constexpr View image{true, 1, C.side(), C.side()};
};

/// What programs need to know of an encoder, without its type.
struct EncoderFacts {
  std::string_view name{};
  std::string upstream_name{};
  std::int64_t width = 0, resolution = 224;
  std::int64_t clip_frames = 4;
  PixelStatistics statistics{};
  std::optional<std::int64_t> take_layer{};  ///< none: the encoder has no such choice
};

template <VisionEncoder E>
EncoderFacts encoder_facts() {
  EncoderFacts facts{.name = E::name,
                     .upstream_name = std::string(E::upstream_name()),
                     .width = E::width,
                     .resolution = E::resolution,
                     .clip_frames = E::clip.frames,
                     .statistics = E::pixels,
                     .take_layer = {}};
  if constexpr (requires { E::config.take_layer; }) facts.take_layer = E::config.take_layer;
  return facts;
}

/// Whether a configuration can be a vision transformer's.
/// \tparam leaves_rest whether its patches leave out what of the pixels fills none
template <auto C, bool leaves_rest = false>
inline constexpr bool sound_transformer =
    require<C.width % C.heads == 0, Sentence{} << C.name << " has " << C.heads
                                               << " heads, which do not divide its width "
                                               << C.width>&&
        require<leaves_rest || C.resolution % C.patch == 0,
                Sentence{} << C.name << " has patches of " << C.patch
                           << " pixels, which do not divide its resolution " << C.resolution>&&
            require<(C.layers() > 0 && C.layers() <= C.depth),
                    Sentence{} << C.name << " takes layer " << C.take_layer << " of " << C.depth
                               << " layers, which does not exist">;

/// \param pixels [clips, frames, 3, height, width]
/// \throws Error unless there are as many frames as the view has
template <class E>
void require_frames(Tensor const& pixels, View const& view) {
  auto const frames = pixels.size(1);
  if (frames == view.frames) return;
  fail(std::string_view(E::name), " takes clips of ", E::clip.frames,
       " frames or single images, not ", frames, " frames");
}

}  // namespace vcflash
