#pragma once

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <cstddef>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include <vcflash/eval/interval.hpp>
#include <vcflash/meta/error.hpp>

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
  Interval a, b, difference;    ///< of the scores, and of B's less A's question by question
  std::vector<Change> changes;  ///< in the order of A's answers
};

namespace detail {

struct GradedLine {
  std::string video, answer;
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
      read.second[id] = {row.value("video", id), row.at("answer"), row.at("score")};
    } catch (nlohmann::json::exception const& error) {
      throw InputError(
          fmt::format("{}: line {} is no answer ({}).", path.string(), number, error.what()));
    }
  }
  return read;
}

}  // namespace detail

/// Compares question by question, with 95 % intervals by videos.
/// \param run_a, run_b folders that hold `answers.jsonl`
/// \throws InputError if one cannot be read, or they have no question in common
inline Comparison compare(std::filesystem::path const& run_a, std::filesystem::path const& run_b) {
  auto const [order, a] = detail::read_answers(run_a);
  auto const b = detail::read_answers(run_b).second;
  Comparison result;
  std::vector<double> scores_a, scores_b, differences;
  std::vector<std::string> videos;
  for (auto const& id : order) {
    auto const other = b.find(id);
    if (other == b.end()) {
      ++result.only_a;
      continue;
    }
    auto const& [video, answer, score] = a.at(id);
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
          {"b", to_json(comparison.b)},        {"difference", to_json(comparison.difference)},
          {"changes", std::move(changes)}};
}

}  // namespace vcflash::eval
