#pragma once

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <cstddef>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include <vcflash/checkpoint/atomic.hpp>
#include <vcflash/eval/exam.hpp>
#include <vcflash/eval/interval.hpp>

namespace vcflash::eval {

namespace detail {

inline std::string dumped(nlohmann::ordered_json const& json, int indent) {
  return json.dump(indent, ' ', false, nlohmann::json::error_handler_t::replace) + '\n';
}

}  // namespace detail

/// The mean score of the questions that count, with its interval by videos.
inline Interval score_interval(Exam const& exam, std::vector<Answer> const& answers) {
  std::vector<double> scores;
  std::vector<std::string> videos;
  for (std::size_t i = 0; i < answers.size(); ++i) {
    if (!exam.counts(i)) continue;
    scores.push_back(answers[i].score);
    videos.push_back(exam.medium(i).video.string());
  }
  return clustered_interval(scores, videos);
}

/// Grades what was said and writes `answers.jsonl`, one object a question, and then
/// `results.json`, each wholly or not at all. Where upstream's rule and the strict one differ, the
/// scores by the other rule stand beside. A question that could not be asked is wrong in all of
/// them.
/// \param about what to say in results.json besides the scores
/// \return results.json
inline nlohmann::ordered_json write_results(std::filesystem::path const& out, Exam const& exam,
                                            Scoring scoring, std::vector<Said> const& said,
                                            nlohmann::ordered_json const& about) {
  auto const answers = exam.graded(said);
  std::string lines;
  auto broken = nlohmann::ordered_json::array();
  for (std::size_t i = 0; i < answers.size(); ++i) {
    nlohmann::ordered_json line{{"id", exam.id(i)}};
    line.update(exam.record(i));
    if (!exam.counts(i)) line["counts"] = false;
    line["answer"] = answers[i].text;
    line["parsed"] = answers[i].parsed;
    line["score"] = answers[i].score;
    if (!answers[i].problem.empty()) {
      line["problem"] = answers[i].problem;
      broken.push_back({{"id", exam.id(i)}, {"problem", answers[i].problem}});
    }
    lines += detail::dumped(line, -1);
  }
  nlohmann::ordered_json results = about;
  results["benchmark"] = exam.name();
  results["asked"] = answers.size();
  results["broken_count"] = broken.size();
  results["scores"] = to_json(exam.aggregate(answers));
  results["interval"] = to_json(score_interval(exam, answers));
  auto const other = scoring == Scoring::upstream ? Scoring::strict : Scoring::upstream;
  if (auto const exam_by_other = exam.with_scoring(other)) {
    results["scoring"] = std::string(name_of(scoring));
    auto const graded = exam_by_other->graded(said);
    results[fmt::format("scores_{}", name_of(other))] = to_json(exam_by_other->aggregate(graded));
  }
  results["broken"] = std::move(broken);
  if (auto const notes = exam.notes(); !notes.empty()) results["notes"] = notes;
  checkpoint::write_file(out / "answers.jsonl", lines);
  checkpoint::write_file(out / "results.json", detail::dumped(results, 2));
  return results;
}

}  // namespace vcflash::eval
