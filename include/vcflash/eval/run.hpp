#pragma once

#include <vcflash/eval/exam.hpp>
#include <vcflash/infer/generate.hpp>
#include <vcflash/infer/look.hpp>
#include <vcflash/media/frame_folder.hpp>
#include <vcflash/media/video.hpp>
#include <vcflash/recipe/recipe.hpp>
#include <vcflash/text/chat.hpp>
#include <vcflash/text/time_message.hpp>
#include <vcflash/text/tokenizer.hpp>

#include <ATen/core/grad_mode.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <exception>
#include <future>
#include <map>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace vcflash::eval {

/// The questions in groups that share a video, in the order of each group's first question.
inline std::vector<std::vector<std::size_t>> by_video(Exam const& exam,
                                                      std::span<std::size_t const> questions) {
  std::vector<std::vector<std::size_t>> groups;
  std::map<std::string, std::size_t> group_of;
  for (std::size_t const i : questions) {
    auto const [place, added] = group_of.try_emplace(exam.medium(i).frames_key(), groups.size());
    if (added) groups.emplace_back();
    groups[place->second].push_back(i);
  }
  return groups;
}

namespace detail {

/// A decoded video, or why there is none.
struct Decoded {
  media::Video video;
  std::string problem;
};

inline Decoded decode(MediumRequest const& request, media::FrameRequest frames, int side) {
  frames.start = request.start;
  frames.end = request.end;
  frames.clip_rule = media::ClipRule::evaluation;
  try {
    return {request.frame_folder ? media::read_frame_folder(request.video, frames, side)
                                 : media::read_video(request.video, frames, side),
            {}};
  } catch (std::exception const& error) {
    return {{}, error.what()};
  }
}

/// What a model has seen of a video and has in mind: all questions about it begin alike, with the
/// video, so its part of the prompt is computed once for them all. A model whose later layers see
/// fewer visual tokens chooses these by the question, so there is nothing to keep.
template <Model M>
struct Seen {
  static constexpr bool keeps = !DropsVisualTokens<typename M::Llm>;

  Tensor tokens;  ///< [tokens, hidden]; undefined as long as nobody looked
  typename M::Llm::Cache cache{};

  /// The answer to a prompt in which the video stands.
  std::vector<std::int64_t> answer(typename M::Network const& network,
                                   std::span<std::int64_t const> ids,
                                   infer::GenerateOptions const& options) {
    infer::Prompt const prompt = infer::embed_prompt(network, ids, std::span(&tokens, 1));
    if constexpr (keeps) {
      at::NoGradGuard const no_grad;
      std::int64_t const before = std::ranges::find(ids, media_placeholder) - ids.begin();
      std::int64_t const shared = before + tokens.size(0);
      if (cache.tokens() == 0) {
        network.llm.hidden_states(prompt.embeddings.narrow(1, 0, shared), &cache);
      }
      cache.truncate(shared);
      return infer::generate(network.llm, prompt.after(shared), options, cache,
                             [](std::int64_t) { return true; });
    } else {
      return infer::generate(network.llm, prompt, options);
    }
  }
};

}  // namespace detail

/// Asks a model questions of an exam, greedily. Each video is decoded and encoded once for its
/// questions, the next one being decoded meanwhile; one video is held at a time. A question whose
/// video cannot be read or shown gets the reason for an answer.
/// \param questions to be asked  \param on_answer called as `on_answer(question, said)`
template <Model M, class OnAnswer>
void run(typename M::Network const& network, text::Tokenizer const& tokenizer, Exam const& exam,
         std::span<std::size_t const> questions, RunOptions const& options, OnAnswer&& on_answer) {
  if (questions.empty()) return;
  constexpr int side = static_cast<int>(M::Encoder::resolution);
  infer::GenerateOptions const greedy{
      .max_new_tokens = exam.max_new_tokens(),
      .stop_ids = text::end_of_answer_ids(tokenizer),
      .vocabulary = tokenizer.vocabulary(),
      .sampling = {.repetition_penalty = options.repetition_penalty}};
  auto const groups = by_video(exam, questions);
  auto const decode_group = [&](std::size_t group) {
    return std::async(std::launch::async, detail::decode, exam.medium(groups[group].front()),
                      options.frames, side);
  };

  std::future<detail::Decoded> next = decode_group(0);
  for (std::size_t group = 0; group < groups.size(); ++group) {
    detail::Decoded const decoded = next.get();
    if (group + 1 < groups.size()) next = decode_group(group + 1);
    std::array<detail::Seen<M>, 2> seen;  // forwards and reversed
    for (std::size_t const i : groups[group]) {
      Said said{.problem = decoded.problem};
      if (decoded.problem.empty()) {
        bool const reversed = exam.medium(i).reversed;
        auto& video = seen[reversed ? 1 : 0];
        try {
          if (!video.tokens.defined()) {
            auto const& frames = decoded.video.frames;
            video.tokens = infer::look_at<M>(network, reversed ? infer::reversed(frames) : frames,
                                             Modality::video);
          }
          std::array turns{
              text::Turn{text::Turn::From::human, fmt::format("<image>\n{}", exam.prompt(i))}};
          text::MediaText about;
          if (options.time_message) {
            about.time_message =
                text::time_message(decoded.video.duration, decoded.video.frames.count);
          }
          text::place_media(turns, about);
          auto const ids = text::encode_prompt(tokenizer, options.chat, turns);
          said.text = tokenizer.decode(video.answer(network, ids, greedy), true);
        } catch (Error const& error) {
          said.problem = error.what();
        }
      }
      on_answer(i, said);
    }
  }
}

}  // namespace vcflash::eval
