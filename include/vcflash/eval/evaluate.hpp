#pragma once

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <cstddef>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include <vcflash/checkpoint/atomic.hpp>
#include <vcflash/eval/exam.hpp>
#include <vcflash/eval/results.hpp>
#include <vcflash/eval/sha256.hpp>
#include <vcflash/eval/share.hpp>

/// An evaluation from its first question to its results, whoever asks the questions.
namespace vcflash::eval {

/// Where an evaluation goes, and who is told of it.
struct Evaluation {
  std::filesystem::path out;      ///< folder of answers.jsonl and results.json
  std::filesystem::path media{};  ///< that the videos lie below, which may be another elsewhere
  Scoring scoring = Scoring::upstream;
  nlohmann::ordered_json about{};  ///< what results.json says besides the scores
  /// What the answers depend on besides the questions: a run with other ones is not gone on with.
  nlohmann::json depends_on = nlohmann::json::object();
  bool fresh = false;  ///< drops what earlier runs answered

  /// Told each question that was answered before.
  std::function<void(std::size_t question, Said const&)> on_known{};
  /// Told how many questions others leave, which are asked here.
  std::function<void(std::size_t questions)> on_left_behind{};
  /// Told when results are written, before the journals go.
  std::function<void(nlohmann::ordered_json const& results, std::vector<Said> const&)> on_written{};
};

/// Asks some questions and tells each answer as it comes.
using Ask = std::function<void(std::vector<std::size_t> const& questions,
                               std::function<void(std::size_t, Said const&)> const& answered)>;

/// Tells one set of questions from another, wherever their videos lie.
inline std::string questions_fingerprint(Exam const& exam, std::filesystem::path const& media) {
  std::string all;
  for (std::size_t i = 0; i < exam.size(); ++i) {
    auto medium = exam.medium(i);
    medium.video = medium.video.lexically_proximate(media);
    all += fmt::format("{}\n{}\n{}\n", exam.id(i), exam.prompt(i), medium.frames_key());
  }
  return sha256(all).substr(0, 16);
}

/// Asks this process's part of the questions, each video's by one process, and what is left of
/// processes that are gone; killed and called again it asks what is left.
/// \return results.json, in the first of several processes
/// \throws InputError if `out` holds answers of another evaluation; Error if it cannot be written
inline std::optional<nlohmann::ordered_json> evaluate(Exam const& exam,
                                                      Evaluation const& evaluation,
                                                      Processes& processes, Ask const& ask) {
  if (processes.is_finished(exam.name())) return std::nullopt;
  auto header = evaluation.depends_on;
  header["benchmark"] = exam.name();
  header["questions"] = questions_fingerprint(exam, evaluation.media);
  checkpoint::make_folder(evaluation.out);
  SharedAnswers answers(evaluation.out, header, processes, evaluation.fresh);
  std::vector<std::size_t> all(exam.size());
  for (std::size_t i = 0; i < all.size(); ++i) all[i] = i;
  std::vector<SharedQuestion> questions(exam.size());
  auto const groups = by_video(exam, all);
  for (std::size_t group = 0; group < groups.size(); ++group) {
    for (std::size_t const i : groups[group]) questions[i] = {exam.id(i), group};
  }
  auto const said = answer_all(
      answers, questions,
      {.ask =
           [&](std::vector<std::size_t> const& left) {
             ask(left, [&](std::size_t i, Said const& one) { answers.add(questions[i].id, one); });
           },
       .on_known = evaluation.on_known,
       .on_left_behind = evaluation.on_left_behind});
  if (!said) return std::nullopt;
  auto results = write_results(evaluation.out, exam, evaluation.scoring, *said, evaluation.about);
  if (evaluation.on_written) evaluation.on_written(results, *said);
  processes.finish(exam.name());
  answers.remove();
  return results;
}

}  // namespace vcflash::eval
