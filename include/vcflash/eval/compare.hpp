#pragma once

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <cstddef>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <vcflash/base/error.hpp>
#include <vcflash/eval/interval.hpp>
#include <vcflash/text/utf8.hpp>

namespace vcflash::eval {

/// A question that two runs answered with different success.
struct Change {
  std::string id, answer_a, answer_b;
  double score_a, score_b;
};

/// Two runs over the same questions. Those that do not count are left out.
struct Comparison {
  std::size_t questions = 0;  ///< that both answered
  std::size_t only_a = 0, only_b = 0;
  Interval a, b, difference;          ///< of the scores, and of B's less A's question by question
  std::vector<Change> changes;        ///< in the order of A's answers
  std::vector<std::string> warnings;  ///< what else differs than the model, a sentence each
};

namespace detail {

struct GradedLine {
  std::string video, question, answer;
  double score;
};

/// A run's answers in their order, and by question.
inline std::pair<std::vector<std::string>, std::map<std::string, GradedLine>> read_answers(
    std::filesystem::path const& run) {
  auto const path = run / "answers.jsonl";
  std::ifstream file(path);
  if (!file) {
    throw InputError(fmt::format(
        "{}: there is no answers.jsonl here; give a folder that eval-<model> --out wrote.",
        run.string()));
  }
  std::pair<std::vector<std::string>, std::map<std::string, GradedLine>> read;
  std::size_t number = 0;
  for (std::string line; std::getline(file, line);) {
    ++number;
    try {
      auto const row = nlohmann::json::parse(line);
      if (!row.value("counts", true)) continue;
      auto const id = row.at("id").get<std::string>();
      read.first.push_back(id);
      read.second[id] = {row.value("video", id), row.value("question", ""), row.at("answer"),
                         row.at("score")};
    } catch (nlohmann::json::exception const& error) {
      throw InputError(
          fmt::format("{}: line {} is no answer ({}).", path.string(), number, error.what()));
    }
  }
  return read;
}

/// What `results.json` says of a run; an empty object where it is not there.
inline nlohmann::json read_about(std::filesystem::path const& run) {
  std::ifstream file(run / "results.json");
  if (!file) return nlohmann::json::object();
  auto const results = nlohmann::json::parse(file, nullptr, false);
  if (!results.is_object()) {
    throw InputError(fmt::format("{}: holds no JSON object.", (run / "results.json").string()));
  }
  return results;
}

/// \throws InputError if scores of these runs mean different things
/// \return what else differs than the model, a sentence each
inline std::vector<std::string> require_comparable(std::filesystem::path const& run_a,
                                                   std::filesystem::path const& run_b) {
  auto const a = read_about(run_a), b = read_about(run_b);
  auto const differs = [&](char const* key) {
    return a.contains(key) && b.contains(key) && a[key] != b[key];
  };
  auto const values = [&](char const* key) {
    return fmt::format("{} in {}, {} in {}", a[key].dump(), run_a.string(), b[key].dump(),
                       run_b.string());
  };
  for (auto const* key : {"benchmark", "scoring"}) {
    if (differs(key)) {
      throw InputError(fmt::format("the runs cannot be compared: their {} differs ({}).{}", key,
                                   values(key),
                                   key == std::string_view("scoring")
                                       ? " Evaluate one of them again with the other's --scoring."
                                       : ""));
    }
  }
  std::vector<std::string> warnings;
  for (auto const* key : {"frames", "time_message", "repetition_penalty", "dtype"}) {
    if (differs(key)) warnings.push_back(fmt::format("the runs' {} differs: {}", key, values(key)));
  }
  return warnings;
}

}  // namespace detail

/// Compares question by question, with 95 % intervals by videos.
/// \param run_a, run_b folders that hold `answers.jsonl`
/// \throws InputError if one cannot be read, they have no question in common, or a score means
///   another thing in each: another benchmark, scoring or text of a question
inline Comparison compare(std::filesystem::path const& run_a, std::filesystem::path const& run_b) {
  auto const [order, a] = detail::read_answers(run_a);
  auto const b = detail::read_answers(run_b).second;
  Comparison result;
  result.warnings = detail::require_comparable(run_a, run_b);
  std::vector<double> scores_a, scores_b, differences;
  std::vector<std::string> videos;
  for (auto const& id : order) {
    auto const other = b.find(id);
    if (other == b.end()) {
      ++result.only_a;
      continue;
    }
    auto const& [video, question, answer, score] = a.at(id);
    if (question != other->second.question) {
      throw InputError(fmt::format("the runs cannot be compared: {} asks {} in {} and {} in {}.",
                                   text::in_quotes(id), text::in_quotes(question), run_a.string(),
                                   text::in_quotes(other->second.question), run_b.string()));
    }
    videos.push_back(video);
    scores_a.push_back(score);
    scores_b.push_back(other->second.score);
    differences.push_back(other->second.score - score);
    if (other->second.score != score) {
      result.changes.push_back({id, answer, other->second.answer, score, other->second.score});
    }
  }
  result.questions = differences.size();
  result.only_b = b.size() - result.questions;
  if (differences.empty()) {
    throw InputError(
        fmt::format("{} and {} have no question in common.", run_a.string(), run_b.string()));
  }
  result.a = clustered_interval(scores_a, videos);
  result.b = clustered_interval(scores_b, videos);
  result.difference = clustered_interval(differences, videos);
  return result;
}

inline nlohmann::ordered_json to_json(Comparison const& comparison) {
  auto changes = nlohmann::ordered_json::array();
  for (auto const& change : comparison.changes) {
    changes.push_back({{"id", change.id},
                       {"answer_a", change.answer_a},
                       {"answer_b", change.answer_b},
                       {"score_a", change.score_a},
                       {"score_b", change.score_b}});
  }
  return {{"questions", comparison.questions}, {"only_a", comparison.only_a},
          {"only_b", comparison.only_b},       {"a", to_json(comparison.a)},
          {"b", to_json(comparison.b)},        {"difference", to_json(comparison.difference, -1)},
          {"warnings", comparison.warnings},   {"changes", std::move(changes)}};
}

}  // namespace vcflash::eval
