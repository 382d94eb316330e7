#pragma once

#include <vcflash/eval/exam.hpp>
#include <vcflash/infer/generate.hpp>
#include <vcflash/infer/generate_batch.hpp>
#include <vcflash/infer/look.hpp>
#include <vcflash/infer/prompt_length.hpp>
#include <vcflash/media/load_video.hpp>
#include <vcflash/recipe/recipe.hpp>
#include <vcflash/text/chat.hpp>
#include <vcflash/text/question.hpp>
#include <vcflash/text/time_message.hpp>
#include <vcflash/text/tokenizer.hpp>

#include <ATen/core/grad_mode.h>
#include <algorithm>
#include <array>
#include <cstdint>
#include <exception>
#include <future>
#include <iterator>
#include <map>
#include <optional>
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
  try {
    return {media::load_video(request.video, frames, side), {}};
  } catch (std::exception const& error) {
    return {{}, error.what()};
  }
}

/// The questions about one video that a model sees in one way, forwards or backwards.
template <Model M>
class Viewed {
 public:
  using Network = typename M::Network;
  using Llm = typename M::Llm;

  Viewed(Network const& network, media::Frames const& frames)
      : network_(network), tokens_(infer::look_at<M>(network, frames, Modality::video)) {}

  /// Adds a question.
  /// \param ids its prompt, in which the video stands once
  /// \throws Error if that is too long
  void add(std::size_t question, std::vector<std::int64_t> ids) {
    infer::require_fits(Llm::config, std::ssize(ids) - 1 + tokens_.size(0));
    questions_.push_back(question);
    prompts_.push_back(std::move(ids));
  }

  /// Answers them all. What their prompts begin with alike, the video among it, is computed once.
  /// \param batch most questions at a time  \param on_answer called as `on_answer(question, ids)`
  template <class OnAnswer>
  void answer(infer::GenerateOptions const& options, std::int64_t batch,
              OnAnswer&& on_answer) const {
    if (prompts_.empty()) return;
    at::NoGradGuard const no_grad;
    auto const shared = shared_ids();
    infer::SharedPrefix<Llm> const prefix(
        network_.llm, infer::embed_prompt(network_, std::span(prompts_.front()).first(shared),
                                          std::span(&tokens_, 1)));
    std::vector<Tensor> rests;
    for (auto const& ids : prompts_) {
      rests.push_back(infer::embed_prompt(network_, std::span(ids).subspan(shared), {}).embeddings);
    }
    infer::generate_batch(network_.llm, prefix, rests, options, batch,
                          [&](std::size_t prompt, std::vector<std::int64_t> const& ids) {
                            on_answer(questions_[prompt], ids);
                          });
  }

 private:
  /// How many ids all prompts begin with alike, their last ones left out.
  std::size_t shared_ids() const {
    auto const& first = prompts_.front();
    std::size_t shared = first.size();
    for (auto const& ids : prompts_) {
      auto const alike = std::ranges::mismatch(ids, first).in1 - ids.begin();
      shared = std::min({shared, static_cast<std::size_t>(alike), ids.size() - 1});
    }
    return shared;
  }

  Network const& network_;
  Tensor tokens_;  ///< [tokens, hidden]
  std::vector<std::size_t> questions_;
  std::vector<std::vector<std::int64_t>> prompts_;
};

}  // namespace detail

/// Asks a model questions of an exam, greedily. Each video is decoded and encoded once for its
/// questions, the next one being decoded meanwhile; one video is held at a time, and its questions
/// are answered in batches. A question whose video cannot be read or shown, or whose prompt is too
/// long, gets the reason for an answer.
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
  auto const prompt_of = [&](std::size_t question, media::Video const& video) {
    auto const about = options.time_message ? text::time_message(video.duration, video.frames.count)
                                            : std::string();
    std::array const turns{text::Turn{
        text::Turn::From::human, text::first_question(options.form, about, exam.prompt(question))}};
    constexpr std::array<std::size_t, 1> media{1};  // an <image> in the question is text
    return text::encode_prompt(tokenizer, options.chat, turns, media);
  };
  auto const ask_about = [&](media::Video const& video, bool reversed,
                             std::vector<std::size_t> const& asked) {
    std::optional<detail::Viewed<M>> viewed;
    for (std::size_t const i : asked) {
      try {
        if (!viewed)
          viewed.emplace(network, reversed ? infer::reversed(video.frames) : video.frames);
        viewed->add(i, prompt_of(i, video));
      } catch (Error const& error) {
        on_answer(i, Said{.problem = error.what()});
      }
    }
    if (!viewed) return;
    viewed->answer(greedy, options.batch, [&](std::size_t i, std::vector<std::int64_t> const& ids) {
      on_answer(i, Said{.text = tokenizer.decode(ids, true)});
    });
  };

  std::future<detail::Decoded> next = decode_group(0);
  for (std::size_t group = 0; group < groups.size(); ++group) {
    detail::Decoded const decoded = next.get();
    if (group + 1 < groups.size()) next = decode_group(group + 1);
    for (bool const reversed : {false, true}) {
      std::vector<std::size_t> asked;
      std::ranges::copy_if(groups[group], std::back_inserter(asked),
                           [&](std::size_t i) { return exam.medium(i).reversed == reversed; });
      if (decoded.problem.empty()) {
        if (!asked.empty()) ask_about(decoded.video, reversed, asked);
      } else {
        for (std::size_t const i : asked) on_answer(i, Said{.problem = decoded.problem});
      }
    }
  }
}

}  // namespace vcflash::eval
