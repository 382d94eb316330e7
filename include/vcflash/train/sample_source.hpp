#pragma once

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <vector>

#include <vcflash/data/sampler.hpp>
#include <vcflash/models/sample.hpp>

namespace vcflash::train {

/// Where a training's samples come from.
/// Promises: `next()` gives this process's next micro batch, without end; `position()` says where
/// all processes are, and after `seek(position)` what comes next comes again, the same;
/// `batches_per_epoch()` is how many there are for all of them.
template <class S>
concept SampleSource = requires(S& source, S const& same, data::Position position) {
  { source.next() } -> std::same_as<std::vector<Sample>>;
  { same.position() } -> std::convertible_to<data::Position>;
  { same.batches_per_epoch() } -> std::convertible_to<std::int64_t>;
  source.seek(position);
};

/// How long a conversation is to the LLM, how many of its tokens are learned from, and how much
/// there is to see.
struct SampleSize {
  std::int64_t tokens = 0, labels = 0;
  std::int64_t frames = 0;  ///< of its videos; an image, or a tile of one, counts as one
};

/// \param most tokens that a conversation is cut at, after its media took their places
template <class Network>
SampleSize size_of(Sample const& sample, std::int64_t most) {
  using E = typename Network::Encoder;
  using K = typename Network::Connector;
  SampleSize size;
  Tensor const ids = sample.input_ids.contiguous();
  Tensor const labels = sample.labels.defined() ? sample.labels.contiguous() : Tensor{};
  auto const* const id = ids.const_data_ptr<std::int64_t>();
  std::size_t medium = 0;
  for (std::int64_t t = 0; t < ids.size(0); ++t) {
    if (id[t] == media_placeholder && medium < sample.media.size()) {
      auto const& [modality, pixels, rows, columns] = sample.media[medium++];
      auto const images = pixels.size(0);
      size.frames += images;
      size.tokens += modality == Modality::video ? images / E::clip.frames * K::tokens(E::clip)
                                                 : images * K::tokens(E::image);
      continue;
    }
    // The first token is predicted by none.
    bool const learned = labels.defined() && size.tokens > 0 && size.tokens < most &&
                         labels.const_data_ptr<std::int64_t>()[t] != ignore_label;
    size.labels += learned ? 1 : 0;
    ++size.tokens;
  }
  size.tokens = std::min(size.tokens, most);
  return size;
}

}  // namespace vcflash::train
