#pragma once

#include <vcflash/eval/needle_exam.hpp>
#include <vcflash/infer/look.hpp>
#include <vcflash/infer/prompt_length.hpp>
#include <vcflash/media/image.hpp>
#include <vcflash/media/preprocess.hpp>
#include <vcflash/media/video.hpp>
#include <vcflash/recipe/recipe.hpp>
#include <vcflash/tensor/aten.hpp>

#include <ATen/core/grad_mode.h>

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
  return M::Connector::tokens(M::Encoder::clip);
}
template <Model M>
std::int64_t frame_tokens() {
  if (clip_tokens<M>() % M::Encoder::clip.frames != 0) {
    fail<InputError>(std::string_view(M::Connector::name), " gives ", clip_tokens<M>(),
                     " tokens a clip, which cannot be told apart by its ", M::Encoder::clip.frames,
                     " frames");
  }
  return clip_tokens<M>() / M::Encoder::clip.frames;
}

/// Input positions of a case, its answer among them.
template <Model M>
std::int64_t input_tokens(Case const& asked) {
  return length(asked.layout, frame_tokens<M>(), clip_tokens<M>()) + std::ssize(asked.answer_ids) -
         1;
}

/// Frames of a haystack that are decoded and encoded together.
inline constexpr std::int64_t haystack_part = 64;

/// Whole clips of the seconds that a haystack is made of.
/// \param clip frames of a clip
/// \throws InputError if the video has too few
inline std::int64_t haystack_seconds(media::VideoInfo const& info,
                                     std::filesystem::path const& video, std::int64_t wanted,
                                     std::int64_t clip) {
  Haystack const hay = haystack(info.length, info.fps, wanted);
  // of the last clip only what is there in full; upstream's reshape takes no other
  std::int64_t const seconds =
      (hay.twice ? hay.frames / 2 : std::min(hay.frames, wanted + clip - 1)) / clip * clip;
  if ((hay.twice ? 2 : 1) * seconds < wanted) {
    fail<InputError>(video.string(), ": a haystack of ", wanted, " frames is made of ",
                     hay.twice ? (wanted + 1) / 2 : wanted, " seconds, and the video has ", seconds,
                     " in whole clips of ", clip);
  }
  return seconds;
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
/// meanwhile. The frames of two parts are held at a time, and the visual tokens of all.
/// \param wanted frames  \param on_frames called with how many frames were seen
/// \return [seconds * frame_tokens, hidden]; a haystack of more than 7,500 frames has half as many
///   seconds, which it goes through twice (upstream)
/// \throws InputError if the video cannot be read or has too few seconds
template <Model M, class OnFrames>
Tensor look_at_haystack(typename M::Network const& network, std::filesystem::path const& video,
                        std::int64_t wanted, OnFrames&& on_frames) {
  constexpr int side = static_cast<int>(M::Encoder::resolution);
  static_assert(haystack_part % M::Encoder::clip.frames == 0);
  auto const info = media::probe_video(video);
  auto const step = haystack(info.length, info.fps, wanted).step;
  auto const frames = haystack_seconds(info, video, wanted, M::Encoder::clip.frames);
  auto const decode = [&](std::int64_t first) {
    std::vector<std::int64_t> indices;
    for (std::int64_t i = first; i < std::min(first + haystack_part, frames); ++i) {
      indices.push_back(std::min(i * step, info.shown - 1));
    }
    return detail::squares(media::read_frames(video, indices), side);
  };
  Tensor const all =
      aten::empty({frames * frame_tokens<M>(), M::Llm::hidden}, network.llm.options());
  auto next = std::async(std::launch::async, decode, std::int64_t{0});
  for (std::int64_t first = 0; first < frames; first += haystack_part) {
    media::Frames const seen = next.get();
    auto const until = std::min(first + haystack_part, frames);
    if (until < frames) next = std::async(std::launch::async, decode, until);
    all.narrow(0, first * frame_tokens<M>(), (until - first) * frame_tokens<M>())
        .copy_(infer::look_at<M>(network, seen, Modality::video, infer::encoder_part,
                                 /*whole=*/false));
    on_frames(until);
  }
  return all;
}

/// Looks at a needle: a picture that fills a clip.
/// \return [clip_tokens, hidden]
template <Model M>
Tensor look_at_needle(typename M::Network const& network, std::filesystem::path const& image) {
  auto const picture = media::read_image(image);
  media::Frames frames{
      static_cast<int>(M::Encoder::clip.frames), picture.height, picture.width, {}};
  for (int i = 0; i < frames.count; ++i) {
    frames.rgb.insert(frames.rgb.end(), picture.rgb.begin(), picture.rgb.end());
  }
  constexpr int side = static_cast<int>(M::Encoder::resolution);
  return infer::look_at<M>(network, detail::squares(frames, side), Modality::video,
                           infer::encoder_part, /*whole=*/false);
}

/// Asks about needles. What a question's input begins alike with the one before it is not computed
/// again.
template <Model M>
class Search {
 public:
  using Llm = typename M::Llm;

  /// \param haystack [seconds * frame_tokens, hidden]; a longer one begins again after its end
  /// \param needles [clip_tokens, hidden] each, of the rows one after the other
  /// \param first_needle for each row, which of these is its first
  /// \param longest input positions of the longest case; 0: not known
  Search(typename M::Network const& network, Tensor haystack, std::vector<Tensor> const& needles,
         std::vector<std::int64_t> first_needle, std::int64_t longest = 0)
      : network_(network),
        haystack_(std::move(haystack)),
        needles_(aten::cat(needles)),
        first_needle_(std::move(first_needle)) {
    cache_.reserve(longest);
  }

  /// The likeliest ids in the places of an answer's, which itself stands in the input.
  std::vector<std::int64_t> predict(Case const& asked) {
    at::NoGradGuard const no_grad;
    Tensor const ids = network_.llm.logits(states(asked))[0].argmax(-1).to(at::kCPU);
    auto const* const first = ids.const_data_ptr<std::int64_t>();
    return {first, first + ids.size(0)};
  }

  /// The states before an answer's tokens: [1, answer, hidden].
  Tensor states(Case const& asked) {
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
      typename Llm::Cache cache;  // so that it passes in parts
      states = network_.llm.reduced_states(embedded(codes), std::span(&sequence, 1), &cache).states;
    } else {
      states = continued(codes, prompt);
    }
    return states.narrow(1, states.size(1) - answer, answer);
  }

 private:
  /// A layout as one number a position: an id, or -1 less the row of the visual tokens, the
  /// needles' behind the haystack's.
  std::vector<std::int64_t> spelled(Case const& asked) const {
    std::vector<std::int64_t> codes;
    std::int64_t const a_frame = frame_tokens<M>(), a_needle = clip_tokens<M>();
    std::int64_t const hay = haystack_.size(0);
    for (Piece const& piece : asked.layout) {
      if (piece.kind == Piece::Kind::text) {
        codes.insert(codes.end(), piece.ids.begin(), piece.ids.end());
      } else if (piece.kind == Piece::Kind::hay) {
        for (std::int64_t row = piece.from * a_frame; row < piece.to * a_frame; ++row) {
          codes.push_back(-1 - row % hay);
        }
      } else {
        std::int64_t const first = hay + (first_needle_[asked.row] + piece.needle) * a_needle;
        for (std::int64_t i = 0; i < a_needle; ++i) codes.push_back(-1 - first - i);
      }
    }
    return codes;
  }

  /// \return [1, codes, hidden]
  Tensor embedded(std::span<std::int64_t const> codes) const {
    enum class Kind { text, hay, needle };
    std::int64_t const hay = haystack_.size(0);
    auto const kind_of = [&](std::int64_t code) {
      if (code >= 0) return Kind::text;
      return -1 - code < hay ? Kind::hay : Kind::needle;
    };
    std::vector<Tensor> parts;
    while (!codes.empty()) {
      auto const kind = kind_of(codes.front());
      auto const end =
          std::ranges::find_if(codes, [&](std::int64_t code) { return kind_of(code) != kind; });
      auto const run = codes.first(static_cast<std::size_t>(end - codes.begin()));
      Tensor const rows = aten::empty({std::ssize(run)}, at::kLong);
      std::ranges::transform(run, rows.template mutable_data_ptr<std::int64_t>(),
                             [&](std::int64_t code) {
                               if (kind == Kind::text) return code;
                               return kind == Kind::hay ? -1 - code : -1 - code - hay;
                             });
      Tensor const there = rows.to(network_.device());
      parts.push_back(kind == Kind::text
                          ? network_.llm.embed(there)
                          : (kind == Kind::hay ? haystack_ : needles_).index_select(0, there));
      codes = codes.subspan(run.size());
    }
    return aten::cat(parts).unsqueeze(0);
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
  Tensor haystack_, needles_;  ///< visual tokens: [rows, hidden] each
  std::vector<std::int64_t> first_needle_;
  typename Llm::Cache cache_;
  std::vector<std::int64_t> cached_;
};

}  // namespace vcflash::eval::needle
