#pragma once

#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <vcflash/base/error.hpp>
#include <vcflash/eval/all_benchmarks.hpp>
#include <vcflash/eval/exam.hpp>
#include <vcflash/eval/results.hpp>

/// Grading the answers of a finished evaluation again, without the model.
namespace vcflash::eval {

/// What results.json says of where its questions came from.
inline nlohmann::ordered_json source_of(std::string const& benchmark, ExamOptions const& options) {
  auto const absolute = [](std::filesystem::path const& path) {
    return path.empty() ? path : std::filesystem::absolute(path).lexically_normal();
  };
  bool const file = short_name(benchmark) != benchmark;
  return {{"benchmark", file ? absolute(benchmark).string() : benchmark},
          {"data", absolute(options.data).string()},
          {"media", absolute(options.media).string()},
          {"limit", options.limit},
          {"tasks", options.tasks}};
}

/// What to take instead of what results.json says.
struct GradeRequest {
  std::string benchmark{};
  std::filesystem::path data{}, media{};
  std::optional<Scoring> scoring{};
};

/// What came of grading again.
struct Regraded {
  nlohmann::json before{};         ///< results.json as it was
  nlohmann::ordered_json after{};  ///< and as it is now
  std::unique_ptr<Exam> exam{};
  std::size_t changed = 0;  ///< questions whose score is another now
};

namespace detail {

struct AnswerLine {
  Said said;
  nlohmann::json question;
  double score = 0;
};

inline std::map<std::string, AnswerLine> answer_lines(std::filesystem::path const& path) {
  std::ifstream file(path);
  if (!file) throw InputError(fmt::format("{}: is missing, the answers to grade.", path.string()));
  std::map<std::string, AnswerLine> answers;
  std::size_t number = 0;
  for (std::string line; std::getline(file, line);) {
    ++number;
    try {
      auto const row = nlohmann::json::parse(line);
      answers[row.at("id")] = {{row.at("answer"), row.value("problem", "")},
                               row.value("question", nlohmann::json()),
                               row.at("score")};
    } catch (nlohmann::json::exception const&) {
      throw InputError(
          fmt::format("{}: line {} is no answer; an object with id, answer and score was expected.",
                      path.string(), number));
    }
  }
  return answers;
}

/// What is said in results.json besides what grading gives.
inline nlohmann::ordered_json about_of(nlohmann::ordered_json results) {
  for (auto const* key : {"benchmark", "asked", "scores", "interval", "scoring", "scores_upstream",
                          "scores_strict", "broken_count", "broken"}) {
    results.erase(key);
  }
  return results;
}

inline nlohmann::ordered_json results_in(std::filesystem::path const& run) {
  std::ifstream file(run / "results.json");
  auto results = nlohmann::ordered_json::parse(file, nullptr, false);
  if (!results.is_object() || !results.contains("benchmark") || !results["benchmark"].is_string()) {
    throw InputError(fmt::format(
        "{}: there is no results.json of an evaluation here; give a folder that eval-<model> --out "
        "wrote.",
        run.string()));
  }
  return results;
}

/// The questions that were asked, as results.json and the request say.
inline std::pair<std::string, ExamOptions> asked_questions(std::filesystem::path const& run,
                                                           nlohmann::ordered_json const& results,
                                                           GradeRequest const& request) {
  try {
    auto const source = results.value("source", nlohmann::ordered_json::object());
    auto const benchmark = source.value("benchmark", results.at("benchmark").get<std::string>());
    ExamOptions options{.data = source.value("data", ""),
                        .media = source.value("media", ""),
                        .limit = source.value("limit", 0.0),
                        .tasks = source.value("tasks", std::vector<std::string>())};
    if (results.value("scoring", "") == "strict") options.scoring = Scoring::strict;
    if (request.scoring) options.scoring = *request.scoring;
    if (!request.data.empty()) {
      options.data = request.data;
      options.media.clear();
    }
    if (!request.media.empty()) options.media = request.media;
    if (options.data.empty()) {
      throw InputError(fmt::format(
          "{}: results.json does not say where its questions are; give --data.", run.string()));
    }
    return {request.benchmark.empty() ? benchmark : request.benchmark, std::move(options)};
  } catch (nlohmann::json::exception const&) {
    throw InputError(
        fmt::format("{}: \"source\" in results.json says no benchmark, data, media, limit and "
                    "tasks; give --data.",
                    run.string()));
  }
}

}  // namespace detail

/// Grades the answers in `run` again and writes answers.jsonl and results.json anew.
/// \throws InputError if there are no answers, or they are not to these questions
inline Regraded regrade(std::filesystem::path const& run, GradeRequest const& request) {
  auto const results = detail::results_in(run);
  auto const asked = detail::asked_questions(run, results, request);
  auto const& benchmark = asked.first;
  auto const& options = asked.second;
  auto const answers = detail::answer_lines(run / "answers.jsonl");
  Regraded graded{.before = results, .exam = open_exam(benchmark, options)};
  auto const& exam = *graded.exam;

  std::vector<Said> said;
  for (std::size_t i = 0; i < exam.size(); ++i) {
    auto const id = exam.id(i);
    auto const answer = answers.find(id);
    auto const refuse = [&](std::string_view what) {
      throw InputError(
          fmt::format("{}: question {} of {} {}.", run.string(), id, options.data.string(), what));
    };
    if (answer == answers.end()) refuse("has no answer in answers.jsonl");
    if (answer->second.question != exam.record(i).value("question", nlohmann::json())) {
      refuse("is another than the one that was asked; --data names the questions that were");
    }
    said.push_back(answer->second.said);
  }
  if (said.size() != answers.size()) {
    throw InputError(
        fmt::format("{}: there are {} answers in answers.jsonl, and {} questions in {}.",
                    run.string(), answers.size(), said.size(), options.data.string()));
  }
  auto about = detail::about_of(results);
  about["source"] = source_of(benchmark, options);
  graded.after = write_results(run, exam, options.scoring, said, about);
  auto const now = exam.graded(said);
  for (std::size_t i = 0; i < now.size(); ++i) {
    graded.changed += now[i].score != answers.at(exam.id(i)).score;
  }
  return graded;
}

}  // namespace vcflash::eval
