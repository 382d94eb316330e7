#pragma once

#include <vcflash/infer/generate.hpp>
#include <vcflash/media/frames.hpp>
#include <vcflash/media/normalize.hpp>
#include <vcflash/models/sample.hpp>
#include <vcflash/recipe/recipe.hpp>
#include <vcflash/tensor/aten.hpp>

#include <ATen/core/grad_mode.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

/// How a model that answers looks at media, and how they stand in its prompt.
namespace vcflash::infer {

/// Frames or an image as a model's encoder takes them.
/// \param frames `M::Encoder::resolution` pixels a side  \return [count, 3, height, width] fp32
template <Model M>
Tensor pixels_of(media::Frames const& frames) {
  static media::NormalizeTable const table({M::Encoder::pixels.mean, M::Encoder::pixels.deviation});
  Tensor const pixels = aten::empty({frames.count, 3, frames.height, frames.width}, at::kFloat);
  table(frames, std::span(pixels.template mutable_data_ptr<float>(),
                          static_cast<std::size_t>(pixels.numel())));
  return pixels;
}

/// Frames of a video that pass the encoder together, so that memory does not grow with its length.
inline constexpr std::int64_t encoder_part = 64;

/// The visual tokens of one video or image.
/// \param part most frames of a video that pass the encoder together, in whole clips and one clip
/// at
///   least; in fp32 the tokens do not depend on it
/// \param whole whether a video ends with these frames; else others follow
/// \return [tokens, hidden]
template <Model M>
Tensor look_at(typename M::Network const& network, media::Frames const& frames, Modality modality,
               std::int64_t part = encoder_part, bool whole = true) {
  at::NoGradGuard const no_grad;
  constexpr int clip = static_cast<int>(M::Encoder::clip.frames);
  int const most = std::max(clip, static_cast<int>(part) / clip * clip);
  if (modality == Modality::video && frames.count > most && frames.count % clip == 0) {
    std::vector<Tensor> tokens;
    for (int first = 0; first < frames.count; first += most) {
      int const count = std::min(most, frames.count - first);
      auto const begin = frames.rgb.begin() + static_cast<std::ptrdiff_t>(first) *
                                                  static_cast<std::ptrdiff_t>(frames.frame_bytes());
      auto const end = begin + static_cast<std::ptrdiff_t>(count) *
                                   static_cast<std::ptrdiff_t>(frames.frame_bytes());
      tokens.push_back(look_at<M>(network, {count, frames.height, frames.width, {begin, end}},
                                  modality, most, whole && first + count == frames.count));
    }
    return aten::cat(tokens);
  }
  Medium const medium{.modality = modality, .pixels = pixels_of<M>(frames)};
  Medium const* const media = &medium;
  return network.visual_tokens(std::span(&media, 1), RunDirectly{}, whole).front();
}

/// The embeddings of a prompt: its ids, the visual tokens of each medium in the place of its
/// placeholder.
/// \param ids with one `media_placeholder` a medium  \param visual [tokens, hidden] each
/// \throws Error if there are not as many placeholders as media
template <class Network>
Prompt embed_prompt(Network const& network, std::span<std::int64_t const> ids,
                    std::span<Tensor const> visual) {
  at::NoGradGuard const no_grad;
  auto const places = std::ranges::count(ids, media_placeholder);
  if (places != std::ssize(visual)) {
    fail("a prompt has ", places, " places for media and ", visual.size(), " media");
  }
  std::vector<Tensor> parts;
  std::vector<std::int64_t> visual_rows;
  std::int64_t row = 0;
  auto const add_text = [&](std::span<std::int64_t const> text) {
    if (text.empty()) return;
    Tensor const tokens = aten::empty({std::ssize(text)}, at::kLong);
    std::ranges::copy(text, tokens.template mutable_data_ptr<std::int64_t>());
    parts.push_back(network.llm.embed(sent_to(tokens, network.device())));
    row += std::ssize(text);
  };
  for (Tensor const& tokens : visual) {
    auto const place =
        static_cast<std::size_t>(std::ranges::find(ids, media_placeholder) - ids.begin());
    add_text(ids.first(place));
    parts.push_back(tokens);
    for (std::int64_t i = 0; i < tokens.size(0); ++i) visual_rows.push_back(row++);
    ids = ids.subspan(place + 1);
  }
  add_text(ids);
  return {aten::cat(parts).unsqueeze(0), std::move(visual_rows)};
}

}  // namespace vcflash::infer
