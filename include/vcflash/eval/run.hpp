#pragma once

#include <vcflash/checkpoint/atomic.hpp>
#include <vcflash/eval/benchmark.hpp>
#include <vcflash/infer/generate.hpp>
#include <vcflash/infer/look.hpp>
#include <vcflash/media/video.hpp>
#include <vcflash/recipe/recipe.hpp>
#include <vcflash/text/chat.hpp>
#include <vcflash/text/time_message.hpp>
#include <vcflash/text/tokenizer.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <exception>
#include <filesystem>
#include <future>
#include <map>
#include <numeric>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace vcflash::eval {

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
    return {media::read_video(request.video, frames, side), {}};
  } catch (std::exception const& error) {
    return {{}, error.what()};
  }
}

/// The questions in groups that share a video, in the order of each group's first question.
template <Benchmark B>
std::vector<std::vector<std::size_t>> by_video(B const& benchmark,
                                               std::vector<typename B::Question> const& questions) {
  std::vector<std::vector<std::size_t>> groups;
  std::map<std::string, std::size_t> group_of;
  for (std::size_t i = 0; i < questions.size(); ++i) {
    auto const [place, added] =
        group_of.try_emplace(benchmark.medium(questions[i]).frames_key(), groups.size());
    if (added) groups.emplace_back();
    groups[place->second].push_back(i);
  }
  return groups;
}

}  // namespace detail

/// Asks a model every question of a benchmark, greedily. Each video is decoded and encoded once,
/// the next one being decoded meanwhile. A video that cannot be read makes its questions wrong and
/// is named in their answers.
/// \param on_answer called as `on_answer(questions done, mean score so far, answer)`
/// \return one answer a question, in their order
template <Model M, Benchmark B, class OnAnswer>
std::vector<Answer> run(typename M::Network const& network, text::Tokenizer const& tokenizer,
                        B const& benchmark, std::vector<typename B::Question> const& questions,
                        RunOptions const& options, OnAnswer&& on_answer) {
  constexpr int side = static_cast<int>(M::Encoder::resolution);
  infer::GenerateOptions const greedy{.max_new_tokens = B::max_new_tokens,
                                      .stop_ids = text::end_of_answer_ids(tokenizer),
                                      .vocabulary = tokenizer.vocabulary()};
  auto const groups = detail::by_video(benchmark, questions);
  auto const decode_group = [&](std::size_t group) {
    return std::async(std::launch::async, detail::decode,
                      benchmark.medium(questions[groups[group].front()]), options.frames, side);
  };

  std::vector<Answer> answers(questions.size());
  std::future<detail::Decoded> next = decode_group(0);
  std::int64_t done = 0, counted = 0;
  double right = 0;
  for (std::size_t group = 0; group < groups.size(); ++group) {
    detail::Decoded const decoded = next.get();
    if (group + 1 < groups.size()) next = decode_group(group + 1);
    std::array<Tensor, 2> seen;  // forwards and reversed, encoded when first asked for
    for (std::size_t const i : groups[group]) {
      auto const& question = questions[i];
      Answer& answer = answers[i];
      if (decoded.problem.empty()) {
        bool const reversed = benchmark.medium(question).reversed;
        Tensor& tokens = seen[reversed ? 1 : 0];
        if (!tokens.defined()) {
          auto const& frames = decoded.video.frames;
          tokens = infer::look_at<M>(network, reversed ? infer::reversed(frames) : frames,
                                     Modality::video);
        }
        std::array turns{text::Turn{text::Turn::From::human,
                                    fmt::format("<image>\n{}", benchmark.prompt(question))}};
        text::MediaText about;
        if (options.time_message) {
          about.time_message =
              text::time_message(decoded.video.duration, decoded.video.frames.count);
        }
        text::place_media(turns, about);
        auto const ids = text::encode_prompt(tokenizer, options.chat, turns);
        auto const generated = infer::generate(
            network.llm, infer::embed_prompt(network, ids, std::span(&tokens, 1)), greedy);
        answer.text = tokenizer.decode(generated, true);
        answer.parsed = benchmark.parse(question, answer.text);
        answer.score = benchmark.score(question, answer.parsed);
      } else {
        answer.problem = decoded.problem;
      }
      if (benchmark.counts(question)) {
        right += answer.score;
        ++counted;
      }
      ++done;
      on_answer(done, right / static_cast<double>(std::max<std::int64_t>(1, counted)), answer);
    }
  }
  return answers;
}

/// Writes `answers.jsonl`, one object a question, and then `results.json`, each wholly or not at
/// all.
/// \param about what to say in results.json besides the scores
template <Benchmark B>
void write_results(std::filesystem::path const& out, B const& benchmark,
                   std::vector<typename B::Question> const& questions,
                   std::vector<Answer> const& answers, nlohmann::ordered_json const& about) {
  std::string lines;
  auto broken = nlohmann::json::array();
  for (std::size_t i = 0; i < questions.size(); ++i) {
    nlohmann::ordered_json line{{"id", benchmark.id(questions[i])}};
    line.update(benchmark.record(questions[i]));
    line["answer"] = answers[i].text;
    line["parsed"] = answers[i].parsed;
    line["score"] = answers[i].score;
    if (!answers[i].problem.empty()) {
      line["problem"] = answers[i].problem;
      broken.push_back({{"id", benchmark.id(questions[i])}, {"problem", answers[i].problem}});
    }
    lines += line.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + '\n';
  }
  nlohmann::ordered_json results = about;
  results["benchmark"] = std::string(B::name);
  results["scores"] = benchmark.aggregate(questions, answers);
  results["broken"] = std::move(broken);
  checkpoint::write_file(out / "answers.jsonl", lines);
  checkpoint::write_file(
      out / "results.json",
      results.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + '\n');
}

}  // namespace vcflash::eval
