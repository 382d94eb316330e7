#pragma once

#include <vcflash/base/error.hpp>
#include <vcflash/data/picture.hpp>
#include <vcflash/eval/exam.hpp>
#include <vcflash/eval/letter_tokens.hpp>
#include <vcflash/infer/generate.hpp>
#include <vcflash/infer/generate_batch.hpp>
#include <vcflash/infer/likeliest_option.hpp>
#include <vcflash/infer/look.hpp>
#include <vcflash/infer/prompt_length.hpp>
#include <vcflash/infer/sampling.hpp>
#include <vcflash/infer/suspect_weights.hpp>
#include <vcflash/media/load_video.hpp>
#include <vcflash/recipe/recipe.hpp>
#include <vcflash/tensor/out_of_memory.hpp>
#include <vcflash/text/chat.hpp>
#include <vcflash/text/question.hpp>
#include <vcflash/text/time_message.hpp>
#include <vcflash/text/tokenizer.hpp>

#include <ATen/core/grad_mode.h>
#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <future>
#include <iterator>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

namespace vcflash::eval {

namespace detail {

/// A decoded video or picture, or why there is none.
struct Decoded {
  media::Video video;
  std::string problem;
  Modality modality = Modality::video;
};

inline Decoded decode(MediumRequest const& request, RunOptions const& options, int side) {
  media::FrameRequest frames = options.frames;
  frames.start = request.start;
  frames.end = request.end;
  auto limit = media::default_time_limit;
  if (options.video_timeout > 0) limit = std::chrono::duration<double>(options.video_timeout);
  Decoded decoded;
  try {
    if (request.image) {
      auto picture = data::read_picture(request.video, ImageLayout::square, side, limit);
      decoded.video.frames = std::move(picture.tiles);
      decoded.modality = Modality::image;
    } else {
      decoded.video = media::load_video(request.video, frames, side, limit);
    }
  } catch (std::exception const& error) {
    decoded.problem = error.what();
  }
  return decoded;
}

/// Tries with half as much at once, and again, as long as there is not enough memory.
/// \param at_once what was enough in the end, for the next time  \param least the last to try
template <class Attempt>
auto with_less_at_once(std::int64_t& at_once, std::int64_t least, Attempt&& attempt) {
  while (true) {
    try {
      return attempt(at_once);
    } catch (std::exception const& error) {
      if (!is_out_of_memory(error) || at_once <= least) throw;
    }
    at_once = std::max(least, at_once / 2);
  }
}

/// The questions about one video that a model sees in one way, forwards or backwards.
template <Model M>
class Viewed {
 public:
  using Network = typename M::Network;
  using Llm = typename M::Llm;

  /// \param part most frames that pass the encoder together; lowered where memory is short
  Viewed(Network const& network, media::Frames const& frames, Modality modality, std::int64_t& part)
      : network_(network),
        tokens_(with_less_at_once(part, M::Encoder::clip.frames, [&](std::int64_t most) {
          return infer::look_at<M>(network, frames, modality, most);
        })) {}

  /// Adds a question.
  /// \param ids its prompt, in which the video stands once
  /// \param among tokens of which the likeliest is the answer; empty: whatever is generated
  /// \throws Error if it does not, or that is too long
  void add(std::size_t question, std::vector<std::int64_t> ids,
           std::vector<std::int64_t> among = {}) {
    if (auto const places = std::ranges::count(ids, media_placeholder); places != 1) {
      fail("the prompt has ", places, " places for the one video");
    }
    infer::require_fits(facts_now(network_.llm), std::ssize(ids) - 1 + tokens_.size(0));
    questions_.push_back(question);
    prompts_.push_back(std::move(ids));
    among_.push_back(std::move(among));
  }

  /// Answers them all. Where memory is short fewer are answered side by side; a question that
  /// cannot be answered even alone gets the reason for an answer.
  /// \param batch most questions at a time; lowered where memory is short
  /// \param on_answer called as `on_answer(question, ids)`
  /// \param on_problem called as `on_problem(question, reason)`
  template <class OnAnswer, class OnProblem>
  void answer(infer::GenerateOptions const& options, std::int64_t& batch, OnAnswer&& on_answer,
              OnProblem&& on_problem) const {
    std::set<std::size_t> left;
    for (std::size_t i = 0; i < prompts_.size(); ++i) left.insert(i);
    std::exception_ptr from_caller;
    auto const ask = [&](std::vector<std::size_t> const& asked, std::int64_t at_once) {
      answer_some(asked, options, at_once, [&](std::size_t i, auto const& ids) {
        left.erase(i);
        try {
          on_answer(questions_[i], ids);
        } catch (...) {
          from_caller = std::current_exception();
          throw;
        }
      });
    };
    try {
      with_less_at_once(batch, 1, [&](std::int64_t at_once) {
        ask({left.begin(), left.end()}, at_once);
      });
    } catch (std::exception const& error) {
      if (from_caller) throw;
      require_sound_weights(error);
    }
    // After a failure: which of them it was shows when each is asked alone.
    for (std::size_t const i : std::vector<std::size_t>(left.begin(), left.end())) {
      try {
        ask({i}, 1);
      } catch (std::exception const& error) {
        if (from_caller) throw;
        require_sound_weights(error);
        on_problem(questions_[i], first_line(error.what()));
      }
    }
  }

 private:
  /// A model whose weights are not numbers answers nothing: that ends the run, by the weight's
  /// name.
  void require_sound_weights(std::exception const& error) const {
    if (dynamic_cast<infer::NotNumbers const*>(&error) == nullptr) return;
    auto const told = infer::detail::with_suspect(error.what(), named_parameters(network_));
    if (told != error.what()) throw infer::NotNumbers(told);
  }

  /// What the prompts begin with alike, the video among it, is computed once.
  /// \param asked places among the questions; some are there
  template <class OnAnswer>
  void answer_some(std::vector<std::size_t> const& asked, infer::GenerateOptions const& options,
                   std::int64_t batch, OnAnswer&& on_answer) const {
    if (asked.empty()) return;
    at::NoGradGuard const no_grad;
    auto const shared = shared_ids(asked);
    infer::SharedPrefix<Llm> const prefix(
        network_.llm,
        infer::embed_prompt(network_, std::span(prompts_[asked.front()]).first(shared),
                            std::span(&tokens_, 1)));
    std::vector<Tensor> rests;
    std::vector<std::size_t> generated;
    for (std::size_t const i : asked) {
      auto rest =
          infer::embed_prompt(network_, std::span(prompts_[i]).subspan(shared), {}).embeddings;
      if (among_[i].empty()) {
        rests.push_back(std::move(rest));
        generated.push_back(i);
      } else {
        auto const best = infer::likeliest_option(network_.llm, prefix, rest, among_[i]);
        on_answer(i, std::vector<std::int64_t>{among_[i][best]});
      }
    }
    if (rests.empty()) return;
    infer::generate_batch(network_.llm, prefix, rests, options, batch,
                          [&](std::size_t prompt, std::vector<std::int64_t> const& ids) {
                            on_answer(generated[prompt], ids);
                          });
  }

  /// How many ids these prompts begin with alike, their last ones left out.
  std::size_t shared_ids(std::vector<std::size_t> const& asked) const {
    auto const& first = prompts_[asked.front()];
    std::size_t shared = first.size();
    for (std::size_t const i : asked) {
      auto const& ids = prompts_[i];
      auto const alike = std::ranges::mismatch(ids, first).in1 - ids.begin();
      shared = std::min({shared, static_cast<std::size_t>(alike), ids.size() - 1});
    }
    return shared;
  }

  Network const& network_;
  Tensor tokens_;  ///< [tokens, hidden]
  std::vector<std::size_t> questions_;
  std::vector<std::vector<std::int64_t>> prompts_;
  std::vector<std::vector<std::int64_t>> among_;
};

}  // namespace detail

/// Asks a model questions of an exam, greedily, or for the likeliest letter (`by_likelihood`). Each
/// video is decoded and encoded once for its
/// questions, the next one being decoded meanwhile; one video is held at a time, and its questions
/// are answered in batches. A question that cannot be asked gets the reason for an answer: its
/// video cannot be read or shown, its prompt is too long, or there is not enough memory for it even
/// alone and with its video's clips passing the encoder one by one.
/// \param questions to be asked
/// \param on_answer called as `on_answer(question, said)`
template <Model M, class OnAnswer>
void run(typename M::Network const& network, text::Tokenizer const& tokenizer, Exam const& exam,
         std::span<std::size_t const> questions, RunOptions const& options, OnAnswer&& on_answer) {
  if (questions.empty()) return;
  constexpr int side = static_cast<int>(M::Encoder::resolution);
  infer::GenerateOptions const greedy{
      .max_new_tokens = exam.max_new_tokens(),
      .stop_ids = text::end_of_answer_ids(tokenizer, options.chat),
      .vocabulary = tokenizer.vocabulary(),
      .sampling = {.repetition_penalty = options.repetition_penalty}};
  auto const groups = by_video(exam, questions);
  auto const decode_group = [&](std::size_t group) {
    auto const& request = exam.medium(groups[group].front());
    try {
      return std::async(std::launch::async, detail::decode, request, options, side);
    } catch (std::system_error const&) {  // no more threads: when it is needed, then
      return std::async(std::launch::deferred, detail::decode, request, options, side);
    }
  };
  auto const prompt_of = [&](std::size_t question, detail::Decoded const& decoded) {
    auto const& video = decoded.video;
    auto const about = options.time_message && decoded.modality == Modality::video
                           ? text::time_message(video.duration, video.frames.count)
                           : std::string();
    std::array const turns{text::Turn{
        text::Turn::From::human, text::first_question(options.form, about, exam.prompt(question))}};
    constexpr std::array<std::size_t, 1> media{1};  // an <image> in the question is text
    return text::encode_prompt(tokenizer, options.chat, turns, media);
  };
  std::int64_t part = infer::encoder_part, batch = options.batch;
  auto const give_up = [&](std::size_t question, std::string const& reason) {
    on_answer(question, Said{.problem = reason});
  };
  auto const among = [&](std::size_t question) {
    auto const count = options.by_likelihood ? exam.options(question) : 0;
    return letter_tokens(tokenizer, count);
  };
  auto const ask_about = [&](detail::Decoded const& decoded, bool reversed,
                             std::vector<std::size_t> const& asked) {
    auto const& frames = decoded.video.frames;
    std::optional<detail::Viewed<M>> viewed;
    std::string problem;
    try {
      viewed.emplace(network, reversed ? media::reversed(frames) : frames, decoded.modality, part);
    } catch (std::exception const& error) {
      problem = first_line(error.what());
    }
    for (std::size_t const i : asked) {
      auto reason = problem;
      try {
        if (viewed) viewed->add(i, prompt_of(i, decoded), among(i));
      } catch (std::exception const& error) {
        reason = first_line(error.what());
      }
      if (!reason.empty()) give_up(i, reason);
    }
    if (!viewed) return;
    auto const answered = [&](std::size_t i, std::vector<std::int64_t> const& ids) {
      on_answer(i, Said{.text = tokenizer.decode(ids, true)});
    };
    viewed->answer(greedy, batch, answered, give_up);
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
        if (!asked.empty()) ask_about(decoded, reversed, asked);
      } else {
        for (std::size_t const i : asked) give_up(i, decoded.problem);
      }
    }
  }
}

}  // namespace vcflash::eval
