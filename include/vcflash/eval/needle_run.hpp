#pragma once

#include <vcflash/eval/needle_exam.hpp>
#include <vcflash/infer/look.hpp>
#include <vcflash/infer/prompt_length.hpp>
#include <vcflash/media/image.hpp>
#include <vcflash/media/preprocess.hpp>
#include <vcflash/media/video.hpp>
#include <vcflash/recipe/recipe.hpp>

#include <ATen/core/grad_mode.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/empty.h>

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <future>
#include <map>
#include <span>
#include <string>
#include <utility>
#include <vector>

/// A model looks for needles in a haystack.
namespace vcflash::eval::needle {

/// Visual tokens of a clip, and of each of its frames.
/// \throws InputError for a connector whose tokens do not belong to a frame each
template <Model M>
std::int64_t clip_tokens() {
  return M::Connector::tokens(M::Encoder::clip_frames);
}
template <Model M>
std::int64_t frame_tokens() {
  if (clip_tokens<M>() % M::Encoder::clip_frames != 0) {
    fail<InputError>(std::string_view(M::Connector::name), " gives ", clip_tokens<M>(),
                     " tokens a clip, which cannot be told apart by its ", M::Encoder::clip_frames,
                     " frames");
  }
  return clip_tokens<M>() / M::Encoder::clip_frames;
}

namespace detail {

/// Pictures as a haystack has them: in the middle of a square, then at the encoder's size.
inline media::Frames squares(media::Frames const& frames, int side) {
  media::Frames result{frames.count, side, side, {}};
  for (int i = 0; i < frames.count; ++i) {
    auto const pixels = frames.frame(i);
    media::Image const image{frames.height, frames.width, {pixels.begin(), pixels.end()}};
    auto const square = media::resize_bicubic(media::pad_to_square(image), side, side);
    result.rgb.insert(result.rgb.end(), square.rgb.begin(), square.rgb.end());
  }
  return result;
}

}  // namespace detail

/// Looks at the frames of a haystack, one a second, part after part, the next being decoded
/// meanwhile.
/// \param wanted frames  \param on_frames called with how many frames were seen
/// \return [frames * frame_tokens, hidden]
/// \throws InputError if the video cannot be read or has too few seconds
template <Model M, class OnFrames>
Tensor look_at_haystack(typename M::Network const& network, std::filesystem::path const& video,
                        std::int64_t wanted, OnFrames&& on_frames) {
  constexpr int side = static_cast<int>(M::Encoder::resolution);
  constexpr std::int64_t part = 64;
  static_assert(part % M::Encoder::clip_frames == 0);
  auto const info = media::probe_video(video);
  Haystack const hay = haystack(info.length, info.fps, wanted);
  // of the last clip only what is there in full; upstream's reshape takes no other
  std::int64_t const seconds =
      hay.twice ? hay.frames / 2 : std::min(hay.frames, wanted + M::Encoder::clip_frames - 1);
  std::int64_t const frames = seconds / M::Encoder::clip_frames * M::Encoder::clip_frames;
  if ((hay.twice ? 2 : 1) * frames < wanted) {
    fail<InputError>(video.string(), ": a haystack of ", wanted, " frames is made of ",
                     hay.twice ? (wanted + 1) / 2 : wanted, " seconds, and the video has ", frames,
                     " in whole clips of ", M::Encoder::clip_frames);
  }
  auto const decode = [&](std::int64_t first) {
    std::vector<std::int64_t> indices;
    for (std::int64_t i = first; i < std::min(first + part, frames); ++i) {
      indices.push_back(std::min(i * hay.step, info.shown - 1));
    }
    return detail::squares(media::read_frames(video, indices), side);
  };
  std::vector<Tensor> tokens;
  auto next = std::async(std::launch::async, decode, std::int64_t{0});
  for (std::int64_t first = 0; first < frames; first += part) {
    media::Frames const seen = next.get();
    if (first + part < frames) next = std::async(std::launch::async, decode, first + part);
    tokens.push_back(infer::look_at<M>(network, seen, Modality::video));
    on_frames(std::min(first + part, frames));
  }
  Tensor const once = at::cat(tokens);
  return hay.twice ? at::cat({once, once}) : once;
}

/// Looks at a needle: a picture that fills a clip.
/// \return [clip_tokens, hidden]
template <Model M>
Tensor look_at_needle(typename M::Network const& network, std::filesystem::path const& image) {
  auto const picture = media::read_image(image);
  media::Frames frames{
      static_cast<int>(M::Encoder::clip_frames), picture.height, picture.width, {}};
  for (int i = 0; i < frames.count; ++i) {
    frames.rgb.insert(frames.rgb.end(), picture.rgb.begin(), picture.rgb.end());
  }
  constexpr int side = static_cast<int>(M::Encoder::resolution);
  return infer::look_at<M>(network, detail::squares(frames, side), Modality::video);
}

/// Asks about needles. What a question's input begins alike with the one before it is not computed
/// again.
template <Model M>
class Search {
 public:
  using Llm = typename M::Llm;

  /// \param haystack [frames * frame_tokens, hidden]
  /// \param needles [clip_tokens, hidden] each, of the rows one after the other
  /// \param first_needle for each row, which of these is its first
  Search(typename M::Network const& network, Tensor const& haystack,
         std::vector<Tensor> const& needles, std::vector<std::int64_t> first_needle)
      : network_(network), haystack_(haystack.size(0)), first_needle_(std::move(first_needle)) {
    std::vector<Tensor> all{haystack};
    all.insert(all.end(), needles.begin(), needles.end());
    visual_ = at::cat(all);
  }

  /// The likeliest ids in the places of an answer's, which itself stands in the input.
  std::vector<std::int64_t> predict(Case const& asked) {
    at::NoGradGuard const no_grad;
    auto codes = spelled(asked);
    auto const prompt = std::ssize(codes), answer = std::ssize(asked.answer_ids);
    codes.insert(codes.end(), asked.answer_ids.begin(), asked.answer_ids.end() - 1);
    Tensor states;
    if constexpr (DropsVisualTokens<Llm>) {
      DroppableSequence sequence{std::ssize(codes), {}, {prompt}};
      for (std::int64_t i = 0; i < prompt; ++i) {
        if (codes[static_cast<std::size_t>(i)] < 0) sequence.visual.push_back(i);
      }
      states = network_.llm.reduced_states(embedded(codes), std::span(&sequence, 1)).states;
    } else {
      states = continued(codes, prompt);
    }
    Tensor const last = states.narrow(1, states.size(1) - answer, answer);
    Tensor const ids = network_.llm.logits(last)[0].argmax(-1).to(at::kCPU);
    auto const* const first = ids.const_data_ptr<std::int64_t>();
    return {first, first + answer};
  }

 private:
  /// A layout as one number a position: an id, or -1 less the row of the visual tokens.
  std::vector<std::int64_t> spelled(Case const& asked) const {
    std::vector<std::int64_t> codes;
    auto const add_rows = [&](std::int64_t first, std::int64_t count) {
      for (std::int64_t row = first; row < first + count; ++row) codes.push_back(-1 - row);
    };
    std::int64_t const a_frame = frame_tokens<M>(), a_needle = clip_tokens<M>();
    for (Piece const& piece : asked.layout) {
      if (piece.kind == Piece::Kind::text) {
        codes.insert(codes.end(), piece.ids.begin(), piece.ids.end());
      } else if (piece.kind == Piece::Kind::hay) {
        add_rows(piece.from * a_frame, (piece.to - piece.from) * a_frame);
      } else {
        add_rows(haystack_ + (first_needle_[asked.row] + piece.needle) * a_needle, a_needle);
      }
    }
    return codes;
  }

  /// \return [1, codes, hidden]
  Tensor embedded(std::span<std::int64_t const> codes) const {
    std::vector<Tensor> parts;
    while (!codes.empty()) {
      bool const text = codes.front() >= 0;
      auto const end =
          std::ranges::find_if(codes, [&](std::int64_t code) { return (code >= 0) != text; });
      auto const run = codes.first(static_cast<std::size_t>(end - codes.begin()));
      Tensor const rows = at::empty({std::ssize(run)}, at::kLong);
      std::ranges::transform(run, rows.template mutable_data_ptr<std::int64_t>(),
                             [](std::int64_t code) { return code >= 0 ? code : -1 - code; });
      Tensor const there = rows.to(network_.device());
      parts.push_back(text ? network_.llm.embed(there) : visual_.index_select(0, there));
      codes = codes.subspan(run.size());
    }
    return at::cat(parts).unsqueeze(0);
  }

  /// The states of an input from the last token of its prompt on. Long inputs pass in parts, so
  /// that what a layer holds at a time stays small.
  Tensor continued(std::vector<std::int64_t> const& codes, std::int64_t prompt) {
    constexpr std::int64_t part = 1024;
    auto const alike = std::ranges::mismatch(codes, cached_).in1 - codes.begin();
    auto known = cache_.truncate(std::min(alike, prompt - 1));
    std::int64_t const wanted = std::ssize(codes) - (prompt - 1);
    Tensor states;
    while (known < std::ssize(codes)) {
      std::int64_t const left = std::ssize(codes) - known;
      // the last part holds all states that are wanted
      std::int64_t const now = left <= part ? left : std::min(part, left - wanted);
      states = network_.llm.hidden_states(
          embedded(std::span(codes).subspan(static_cast<std::size_t>(known),
                                            static_cast<std::size_t>(now))),
          &cache_);
      known += now;
    }
    cached_ = codes;
    return states;
  }

  typename M::Network const& network_;
  Tensor visual_;  ///< the haystack's tokens, then the needles': [rows, hidden]
  std::int64_t haystack_;
  std::vector<std::int64_t> first_needle_;
  typename Llm::Cache cache_;
  std::vector<std::int64_t> cached_;
};

}  // namespace vcflash::eval::needle
