#pragma once

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cstddef>
#include <filesystem>
#include <fstream>
#include <map>
#include <span>
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

/// What an evaluation left in its folder.
struct Run {
  std::filesystem::path folder;
  nlohmann::ordered_json about;    ///< results.json; an empty object where it is not there
  std::vector<std::string> order;  ///< the ids of the questions that count
  std::map<std::string, nlohmann::json> answers;  ///< an object of answers.jsonl each
};

/// \throws InputError if the folder holds no answers, or what is no answer
inline Run read_run(std::filesystem::path const& folder) {
  auto const path = folder / "answers.jsonl";
  std::ifstream file(path);
  if (!file) {
    throw InputError(fmt::format(
        "{}: there is no answers.jsonl here; give a folder that eval-<model> --out wrote.",
        folder.string()));
  }
  Run run{.folder = folder, .about = nlohmann::ordered_json::object(), .order = {}, .answers = {}};
  std::size_t number = 0;
  for (std::string line; std::getline(file, line);) {
    ++number;
    try {
      auto row = nlohmann::json::parse(line);
      if (!row.value("counts", true)) continue;
      auto const id = row.at("id").get<std::string>();
      row["video"] = row.value("video", id);
      row["question"] = row.value("question", "");
      row["problem"] = row.value("problem", "");
      row.at("answer").get_ref<std::string const&>();
      row.at("score").get<double>();
      run.order.push_back(id);
      run.answers[id] = std::move(row);
    } catch (nlohmann::json::exception const& error) {
      throw InputError(
          fmt::format("{}: line {} is no answer ({}).", path.string(), number, error.what()));
    }
  }
  if (std::ifstream results(folder / "results.json"); results) {
    run.about = nlohmann::ordered_json::parse(results, nullptr, false);
    if (!run.about.is_object()) {
      throw InputError(
          fmt::format("{}: holds no JSON object.", (folder / "results.json").string()));
    }
  }
  return run;
}

namespace detail {

/// \throws InputError if scores of these runs mean different things
/// \return what else differs than the model, a sentence each
inline std::vector<std::string> require_comparable(Run const& run_a, Run const& run_b) {
  auto const &a = run_a.about, &b = run_b.about;
  auto const differs = [&](char const* key) {
    return a.contains(key) && b.contains(key) && a[key] != b[key];
  };
  auto const values = [&](char const* key) {
    return fmt::format("{} in {}, {} in {}", a[key].dump(), run_a.folder.string(), b[key].dump(),
                       run_b.folder.string());
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

inline double score_of(Run const& run, std::string const& id) {
  return run.answers.at(id).at("score").get<double>();
}

}  // namespace detail

/// Compares question by question, with 95 % intervals by videos.
/// \throws InputError if they have no question in common, or a score means another thing in each:
///   another benchmark, scoring or text of a question
inline Comparison compare(Run const& run_a, Run const& run_b) {
  Comparison result;
  result.warnings = detail::require_comparable(run_a, run_b);
  std::vector<double> scores_a, scores_b, differences;
  std::vector<std::string> videos;
  for (auto const& id : run_a.order) {
    auto const other = run_b.answers.find(id);
    if (other == run_b.answers.end()) {
      ++result.only_a;
      continue;
    }
    auto const &a = run_a.answers.at(id), &b = other->second;
    if (a.at("question") != b.at("question")) {
      throw InputError(fmt::format(
          "the runs cannot be compared: {} asks {} in {} and {} in {}.", text::in_quotes(id),
          text::in_quotes(a.at("question").get<std::string>()), run_a.folder.string(),
          text::in_quotes(b.at("question").get<std::string>()), run_b.folder.string()));
    }
    videos.push_back(a.at("video"));
    scores_a.push_back(detail::score_of(run_a, id));
    scores_b.push_back(detail::score_of(run_b, id));
    differences.push_back(scores_b.back() - scores_a.back());
    if (differences.back() != 0) {
      result.changes.push_back(
          {id, a.at("answer"), b.at("answer"), scores_a.back(), scores_b.back()});
    }
  }
  result.questions = differences.size();
  result.only_b = run_b.answers.size() - result.questions;
  if (differences.empty()) {
    throw InputError(fmt::format("{} and {} have no question in common.", run_a.folder.string(),
                                 run_b.folder.string()));
  }
  result.a = clustered_interval(scores_a, videos);
  result.b = clustered_interval(scores_b, videos);
  result.difference = clustered_interval(differences, videos);
  return result;
}

/// Several runs over the same questions.
struct Comparisons {
  std::vector<std::string> common;     ///< questions that all answered, in the order of the first
  std::vector<Interval> scores;        ///< of each run, over these
  std::vector<Comparison> with_first;  ///< of the second run and each later one
  /// Of two runs each, the share of the common questions that both scored alike.
  std::vector<std::vector<double>> agreement;
};

/// \param runs two or more
/// \throws InputError as `compare`, of any two
inline Comparisons compare_all(std::vector<Run> const& runs) {
  Comparisons all;
  for (auto const& run : std::span(runs).subspan(1)) {
    all.with_first.push_back(compare(runs.front(), run));
  }
  for (auto const& id : runs.front().order) {
    if (std::ranges::all_of(runs, [&](Run const& run) { return run.answers.contains(id); })) {
      all.common.push_back(id);
    }
  }
  if (all.common.empty()) throw InputError("the runs have no question in common.");
  std::vector<std::string> videos;
  for (auto const& id : all.common) videos.push_back(runs.front().answers.at(id).at("video"));
  for (auto const& run : runs) {
    std::vector<double> scores;
    for (auto const& id : all.common) scores.push_back(detail::score_of(run, id));
    all.scores.push_back(clustered_interval(scores, videos));
    auto& row = all.agreement.emplace_back();
    for (auto const& other : runs) {
      auto const alike = std::ranges::count_if(all.common, [&](std::string const& id) {
        return detail::score_of(run, id) == detail::score_of(other, id);
      });
      row.push_back(static_cast<double>(alike) / static_cast<double>(all.common.size()));
    }
  }
  return all;
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
