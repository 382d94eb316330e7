#pragma once

#include <vcflash/data/shapes/questions.hpp>
#include <vcflash/infer/look.hpp>
#include <vcflash/recipe/recipe.hpp>
#include <vcflash/text/tokenizer_builder.hpp>

#include <cstddef>
#include <cstdint>
#include <string>

#include "recipes/models/tiny.hpp"
#include "tests/support/folder.hpp"

namespace vcflash::test {

using Tiny = recipes::models::tiny;

/// The demo's model with random weights.
inline Tiny::Network const& tiny_network() {
  static Tiny::Network const made = [] {
    Tiny::Network fresh;
    initialize_model<Tiny>(fresh, 7);
    return fresh;
  }();
  return made;
}

/// The demo's tokenizer; most words are bytes to it.
inline text::Tokenizer const& tiny_words() {
  static auto const made = [] {
    TemporaryFolder const folder;
    return text::write_word_tokenizer(folder.path(), data::shapes::vocabulary());
  }();
  return made;
}

/// Listens to an answer to its end.
inline constexpr auto quietly = [](std::string const&) { return true; };

/// Frames of noise.  \param kind another number, other noise
inline media::Frames tiny_frames(int count, std::uint32_t kind = 0) {
  constexpr int side = Tiny::Encoder::resolution;
  media::Frames frames{count, side, side, {}};
  auto const bytes = static_cast<std::uint32_t>(count * side * side * 3);
  frames.rgb.reserve(bytes);
  for (std::uint32_t i = 0; i < bytes; ++i) {
    frames.rgb.push_back(static_cast<std::uint8_t>((i + 7919 * kind) * 2654435761U >> 13));
  }
  return frames;
}

/// What the model sees of them.  \return [tokens, hidden]
inline Tensor tiny_video(int count, std::uint32_t kind = 0) {
  return infer::look_at<Tiny>(tiny_network(), tiny_frames(count, kind), Modality::video);
}

}  // namespace vcflash::test
