#pragma once

#include <array>
#include <map>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <vcflash/base/error.hpp>
#include <vcflash/eval/benchmark_file.hpp>
#include <vcflash/eval/text_rules.hpp>
#include <vcflash/eval/video_mme_v2.hpp>

namespace vcflash::eval {

namespace detail {

#ifdef VCFLASH_BENCHMARKS
#include VCFLASH_BENCHMARKS
#else
inline constexpr std::array<ShippedBenchmark, 0> shipped{};
#endif

}  // namespace detail

VCFLASH_INLINE std::span<ShippedBenchmark const> shipped_benchmarks() { return detail::shipped; }

VCFLASH_INLINE nlohmann::json FileBenchmark::record(std::size_t i) const {
  auto const& [spec, questions] = *content_;
  auto const& question = questions[i];
  nlohmann::json record{{"question", question.prompt}, {"video", question.medium.video.string()}};
  if (question.medium.start) record["clip"] = {*question.medium.start, *question.medium.end};
  if (!question.task.empty()) record["task"] = question.task;
  if (!question.options.empty()) record["options"] = question.options;
  if (spec.score.rule == AnswerRule::number) {
    record["right"] = question.number;
  } else if (spec.score.rule == AnswerRule::span) {
    record["right"] = {question.span.start, question.span.end};
  } else if (question.right.size() == 1) {
    record["right"] = question.right.front();
  } else {
    record["right"] = question.right;
  }
  return record;
}

VCFLASH_INLINE Answer FileBenchmark::graded(std::size_t i, Said const& said) const {
  auto const& [spec, questions] = *content_;
  Answer answer{.text = std::string(stripped(said.text)), .problem = said.problem};
  if (!said.problem.empty()) return answer;
  answer.parsed = parsed_answer(spec, questions[i], answer.text, scoring_);
  answer.score = score_of(spec, questions[i], answer.parsed);
  return answer;
}

VCFLASH_INLINE std::vector<Answer> FileBenchmark::graded(std::vector<Said> const& said) const {
  std::vector<Answer> answers;
  for (std::size_t i = 0; i < said.size(); ++i) answers.push_back(graded(i, said[i]));
  return answers;
}

VCFLASH_INLINE Scores FileBenchmark::aggregate(std::vector<Answer> const& answers) const {
  auto const& spec = content_->spec;
  auto const& questions = content_->questions;
  double const whole = spec.score.percent ? 100 : 1;
  Scores scores{
      .value = whole * mean_score(answers), .whole = whole, .questions = std::ssize(answers)};
  auto const add = [&](std::string key, auto const& name_of) {
    ScoreTally tally;
    for (std::size_t i = 0; i < questions.size(); ++i) tally.add(name_of(questions[i]), answers[i]);
    scores.groups.push_back(tally.group(std::move(key), whole));
  };
  if (spec.columns.task.given()) {
    add("by_task", [](FileQuestion const& question) { return question.task; });
    auto const& tasks = scores.groups.front().lines;
    if (spec.score.mean_of_tasks && !tasks.empty()) {
      scores.value = 0;
      for (auto const& task : tasks) scores.value += task.value;
      scores.value /= static_cast<double>(tasks.size());
    }
  }
  for (std::size_t group = 0; group < spec.columns.groups.size(); ++group) {
    add("by_" + spec.columns.groups[group],
        [&](FileQuestion const& question) { return question.groups[group]; });
  }
  if (spec.score.rule == AnswerRule::span) scores.groups.push_back(recall_of(answers, whole));
  if (spec.score.video_mme_v2) {
    std::vector<video_mme_v2::Place> places;
    std::vector<bool> right;
    for (std::size_t i = 0; i < questions.size(); ++i) {
      places.push_back(*questions[i].place);
      right.push_back(answers[i].score > 0);
    }
    scores.more = video_mme_v2::scores(places, right);
    scores.value = scores.more.front().second;  // of all groups
  }
  return scores;
}

VCFLASH_INLINE std::unique_ptr<Exam> FileBenchmark::with_scoring(Scoring scoring) const {
  if (!content_->spec.score.lmms_eval) return nullptr;
  return std::unique_ptr<Exam>(new FileBenchmark(content_, scoring));
}

VCFLASH_INLINE std::filesystem::path FileBenchmark::write_lmms(std::filesystem::path const&,
                                                               std::vector<Answer> const&,
                                                               LmmsRun const&) const {
  throw InputError(fmt::format(
      "--layout lmms-eval: is not of benchmarks that are files, like {}; leave it out.", name()));
}

}  // namespace vcflash::eval
