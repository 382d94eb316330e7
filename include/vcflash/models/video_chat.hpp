#pragma once

#include <vcflash/base/error.hpp>
#include <vcflash/connectors/connector.hpp>
#include <vcflash/encoders/vision_encoder.hpp>
#include <vcflash/kernels/cross_entropy.hpp>
#include <vcflash/kernels/gradients.hpp>  // attention then learns by its fast path
#include <vcflash/kernels/linear_cross_entropy.hpp>
#include <vcflash/layers/run.hpp>
#include <vcflash/llms/language_model.hpp>
#include <vcflash/llms/visual_dropping.hpp>
#include <vcflash/meta/key_alias.hpp>
#include <vcflash/models/parts.hpp>
#include <vcflash/models/sample.hpp>
#include <vcflash/tensor/aten.hpp>

#include <algorithm>
#include <array>
#include <cstdint>
#include <limits>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

namespace vcflash {

/// Several conversations as one padded sequence of embeddings, media in their places.
struct Embedded {
  Tensor embeddings;                  ///< [batch, tokens, hidden], padding to the right is zero
  Tensor labels;                      ///< [batch, tokens] int64 on the CPU, padding ignored
  std::vector<std::int64_t> lengths;  ///< tokens of each conversation without padding
  std::vector<std::vector<std::int64_t>> visual;  ///< where its visual tokens are, ascending
};

/// A video-language model: an encoder's features, merged by a connector into tokens, stand in an
/// LLM's sequence where the conversation has its media. Upstream: `LlavaQwenForCausalLM`.
template <class E, class K, class L>
struct VideoChat {
  static_assert(require<VisionEncoder<E>, why_no_encoder<E>()>);
  static_assert(require<vcflash::Connector<K>, why_no_connector<K>()>);
  static_assert(require<LanguageModel<L>, why_no_llm<L>()>);
  static_assert(require<K::input_width == E::width, Sentence{} << E::name << " gives " << E::width
                                                               << "-wide features, " << K::name
                                                               << " takes " << K::input_width>);
  static_assert(require<K::output_width == L::hidden,
                        Sentence{} << K::name << " gives " << K::output_width << "-wide tokens, "
                                   << L::name << " takes " << L::hidden>);
  // Line breaks come on top of what is merged.
  static_assert(
      require<(EndsMedia<K> || K::tokens(E::clip) <= E::clip.tokens()),
              Sentence{} << K::name << " gives " << K::tokens(E::clip) << " tokens a clip, "
                         << E::name << " has only " << E::clip.tokens() << " to merge">);
  static_assert(
      require<(EndsMedia<K> || K::tokens(E::image) <= E::image.tokens()),
              Sentence{} << K::name << " gives " << K::tokens(E::image) << " tokens an image, "
                         << E::name << " has only " << E::image.tokens() << " to merge">);

  BOOST_HANA_DEFINE_STRUCT(VideoChat, (E, encoder), (K, connector), (L, llm));
  static constexpr std::array key_prefixes{"model.vision_tower.", connector_prefix<K>(), ""};
  /// As transformers' LLaVA classes name the parts, in files and, since its fifth version, in
  /// memory.
  static constexpr std::array key_aliases{
      KeyAlias{"vision_tower.", "model.vision_tower."},
      KeyAlias{"multi_modal_projector.", "model.mm_projector."},
      KeyAlias{"model.multi_modal_projector.", "model.mm_projector."},
      KeyAlias{"image_newline", "model.image_newline"},
      KeyAlias{"language_model.", ""},
      KeyAlias{"model.language_model.", "model."}};

  using Encoder = E;
  using Connector = K;
  using Llm = L;

  /// The visual tokens of every medium, in order: [tokens, hidden] each. All clips of all media
  /// pass the encoder together, and so do all images.
  /// A video's frames are cut in clips; an image that was cut in tiles gives the
  /// tokens of the whole image, then those of the tiles as one raster if they have a place in it.
  /// \param whole whether videos end with these frames; else others follow
  template <class Run = RunDirectly>
  std::vector<Tensor> visual_tokens(std::span<Medium const* const> media, Run const& run = {},
                                    bool whole = true) const {
    std::vector<Tensor> clips, images;
    for (Medium const* medium : media) {
      Tensor const& pixels = medium->pixels;
      if (medium->modality == Modality::video) {
        if (pixels.size(0) % E::clip.frames != 0) {
          fail(std::string_view(E::name), " takes clips of ", E::clip.frames,
               " frames, and a video of ", pixels.size(0), " frames cannot be cut in such clips");
        }
        clips.push_back(pixels.unflatten(0, {-1, E::clip.frames}));
      } else {
        images.push_back(pixels.unsqueeze(1));
      }
    }
    Tensor const clip_tokens = connect(clips, E::clip, run);
    Tensor const image_tokens = connect(images, E::image, run);

    std::vector<Tensor> tokens;
    std::int64_t clip = 0, image = 0;
    for (Medium const* medium : media) {
      std::int64_t const pixels = medium->pixels.size(0);
      if (medium->modality == Modality::video) {
        std::int64_t const n = pixels / E::clip.frames;
        Tensor const frames = clip_tokens.narrow(0, clip, n).flatten(0, 1);
        if constexpr (EndsMedia<K>) {
          tokens.push_back(whole ? connector.ended_video(frames) : frames);
        } else {
          tokens.push_back(frames);
        }
        clip += n;
      } else {
        tokens.push_back(with_tile_raster(image_tokens.narrow(0, image, pixels), *medium));
        image += pixels;
      }
    }
    return tokens;
  }

  /// Puts the media of every sample in the place of their placeholders.
  /// \param max_tokens longer conversations are cut at the end, after splicing
  template <class Run = RunDirectly>
  Embedded embed(std::span<Sample const> samples,
                 std::int64_t max_tokens = std::numeric_limits<std::int64_t>::max(),
                 Run const& run = {}) const {
    std::vector<Medium const*> media;
    std::vector<Tensor> texts;
    for (Sample const& sample : samples) {
      Tensor const ids = sample.input_ids.contiguous();
      auto const places = std::ranges::count(
          std::span(ids.const_data_ptr<std::int64_t>(), static_cast<std::size_t>(ids.numel())),
          media_placeholder);
      if (places != std::ssize(sample.media)) {
        fail("a conversation has ", places, " places for media and ", sample.media.size(),
             " media");
      }
      for (Medium const& medium : sample.media) media.push_back(&medium);
      texts.push_back(sample.input_ids.clamp_min(0));
    }
    std::vector<Tensor> visual = visual_tokens(media, run);
    for (Tensor& tokens : visual) tokens = passing(Part::connector, Part::llm, tokens);

    // One table holds all that can stand in a sequence: text, visual tokens, padding.
    Tensor const text =
        llm.embed(sent_to(passing(Part::llm, Part::llm, aten::cat(texts)), device()));
    std::vector<Tensor> table{text};
    table.insert(table.end(), visual.begin(), visual.end());
    table.push_back(aten::zeros({1, L::hidden}, text.options()));
    return splice(samples, visual, aten::cat(table), text.size(0), max_tokens);
  }

  /// Mean cross entropy of every label of the batch, each predicted by the token before it.
  /// \return scalar fp32; NaN if no sample has a label
  template <class Run = RunDirectly>
  Tensor loss(std::span<Sample const> samples,
              std::int64_t max_tokens = std::numeric_limits<std::int64_t>::max(),
              Run const& run = {}) const {
    Embedded const batch = embed(samples, max_tokens, run);
    auto const [states, labels] = states_of(batch, run);
    Tensor const next = labels.narrow(1, 1, labels.size(1) - 1);
    Tensor const labelled = next.ne(ignore_label);
    Tensor const rows = sent_to(labelled.flatten().nonzero().squeeze(1), device());
    Tensor const predicting =
        passing(Part::llm, Part::loss, states.narrow(1, 0, next.size(1)).flatten(0, 1));
    Tensor const chosen = predicting.index_select(0, rows);
    Tensor const targets = sent_to(next.masked_select(labelled), device());
    if constexpr (HasOutputTable<L>) {
      return kernels::linear_cross_entropy(chosen, llm.output_table(), targets);
    } else {
      return kernels::cross_entropy(llm.logits(chosen), targets);
    }
  }

  at::Device device() const { return llm.options().device(); }
  at::ScalarType dtype() const { return c10::typeMetaToScalarType(llm.options().dtype()); }

  /// The LLM's states of a labelled batch, and the labels of the tokens that they are of.
  template <class Run = RunDirectly>
  std::pair<Tensor, Tensor> states_of(Embedded const& batch, Run const& run = {}) const {
    if constexpr (DropsVisualTokens<L>) {
      std::vector<DroppableSequence> sequences;
      for (std::size_t s = 0; s < batch.lengths.size(); ++s) {
        Tensor const labels =
            batch.labels[static_cast<std::int64_t>(s)].narrow(0, 0, batch.lengths[s]);
        sequences.push_back(labelled_sequence(labels, batch.visual[s]));
      }
      ReducedStates const left = llm.reduced_states(batch.embeddings, sequences, nullptr, run);
      return {left.states, left.labels_left(batch.labels)};
    } else {
      return {llm.hidden_states(batch.embeddings, nullptr, run), batch.labels};
    }
  }

 private:
  template <class Run>
  Tensor connect(std::vector<Tensor> const& pixels, View const& view, Run const& run) const {
    if (pixels.empty()) return {};
    Tensor const batch = passing(Part::encoder, Part::encoder, aten::cat(pixels));
    Tensor const features = encoder(batch.to(device(), dtype(), /*non_blocking=*/true), view, run);
    return connector(passing(Part::encoder, Part::connector, features), view);
  }

  /// \param tokens [1 + tiles, tokens an image, hidden]  \return [rows, hidden]
  Tensor with_tile_raster(Tensor const& tokens, Medium const& medium) const {
    std::int64_t const rows = medium.tile_rows, columns = medium.tile_columns;
    constexpr TokenGrid grid = K::grid(E::image);
    constexpr bool has_place = grid.rows * grid.columns == K::tokens(E::image);
    Tensor raster;
    if (has_place && rows * columns > 0) {
      raster = tokens.narrow(0, 1, rows * columns)
                   .view({rows, columns, grid.rows, grid.columns, L::hidden})
                   .permute({0, 2, 1, 3, 4})
                   .reshape({rows * grid.rows, columns * grid.columns, L::hidden});
    }
    if constexpr (EndsMedia<K>) {
      return connector.ended_image(raster.defined() ? tokens[0] : tokens.flatten(0, 1), raster);
    } else {
      return raster.defined() ? aten::cat({tokens[0], raster.flatten(0, 1)}) : tokens.flatten(0, 1);
    }
  }

  Embedded splice(std::span<Sample const> samples, std::vector<Tensor> const& visual,
                  Tensor const& table, std::int64_t text_rows, std::int64_t max_tokens) const {
    std::vector<std::vector<std::int64_t>> rows(samples.size()), labels(samples.size());
    Embedded result;
    result.visual.resize(samples.size());
    std::int64_t text_row = 0, visual_row = text_rows, longest = 0;
    std::size_t medium = 0;
    for (std::size_t s = 0; s < samples.size(); ++s) {
      Tensor const ids = samples[s].input_ids.contiguous();
      Tensor const targets =
          samples[s].labels.defined() ? samples[s].labels.contiguous() : Tensor{};
      std::int64_t const* const id = ids.const_data_ptr<std::int64_t>();
      for (std::int64_t t = 0; t < ids.size(0); ++t, ++text_row) {
        if (id[t] == media_placeholder) {
          std::int64_t const added = visual[medium++].size(0);
          for (std::int64_t v = 0; v < added; ++v) {
            result.visual[s].push_back(std::ssize(rows[s]));
            rows[s].push_back(visual_row++);
          }
          labels[s].resize(rows[s].size(), ignore_label);
        } else {
          rows[s].push_back(text_row);
          labels[s].push_back(targets.defined() ? targets.const_data_ptr<std::int64_t>()[t]
                                                : ignore_label);
        }
      }
      auto const kept =
          static_cast<std::size_t>(std::min(max_tokens, static_cast<std::int64_t>(rows[s].size())));
      rows[s].resize(kept);
      labels[s].resize(kept);
      std::erase_if(result.visual[s], [&](std::int64_t row) { return row >= std::ssize(rows[s]); });
      longest = std::max(longest, static_cast<std::int64_t>(kept));
    }

    auto const batch = static_cast<std::int64_t>(samples.size());
    Tensor const index = aten::full({batch, longest}, table.size(0) - 1, at::kLong);
    result.labels = aten::full({batch, longest}, ignore_label, at::kLong);
    for (std::size_t s = 0; s < samples.size(); ++s) {
      auto const begin = static_cast<std::int64_t>(s) * longest;
      std::ranges::copy(rows[s], index.mutable_data_ptr<std::int64_t>() + begin);
      std::ranges::copy(labels[s], result.labels.mutable_data_ptr<std::int64_t>() + begin);
      result.lengths.push_back(static_cast<std::int64_t>(rows[s].size()));
    }
    result.embeddings = table.index_select(0, sent_to(index.flatten(), table.device()))
                            .view({batch, longest, L::hidden});
    return result;
  }
};

}  // namespace vcflash
