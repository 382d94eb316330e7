#pragma once

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <vcflash/base/error.hpp>
#include <vcflash/eval/benchmark.hpp>

/// What an evaluation gives: results.json, reports and comparisons are made from it.
namespace vcflash::eval {

/// The score of some of the questions.
struct ScoreLine {
  std::string name;
  double value = 0;  ///< in the scores' unit
  std::int64_t questions = 0;
  std::int64_t broken = 0;  ///< of them, that could not be asked, and are wrong

  bool operator==(ScoreLine const&) const = default;
};

/// All questions, divided by one thing.
struct ScoreGroup {
  std::string key;  ///< "by_task"
  std::vector<ScoreLine> lines;

  /// \throws Error if there is no line of this name
  ScoreLine const& line(std::string_view name) const {
    auto const found = std::ranges::find(lines, name, &ScoreLine::name);
    if (found == lines.end()) fail("no score of ", name, " in ", key);
    return *found;
  }

  bool operator==(ScoreGroup const&) const = default;
};

struct Scores {
  double value = 0;  ///< of all questions that count
  double whole = 1;  ///< what `value` is if everything is right: 1, or 100 of percent
  std::int64_t questions = 0;
  std::optional<double> spread{};      ///< upstream's standard error of the value
  std::optional<double> chance{};      ///< the value of who guesses
  std::vector<ScoreGroup> groups{};    ///< whose keys begin with "by_"
  std::vector<ScoreGroup> controls{};  ///< of questions that do not count, by other keys
  std::vector<std::pair<std::string, double>> more{};  ///< other numbers, by name

  /// \throws Error if there is no group or control of this key
  ScoreGroup const& group(std::string_view key) const {
    for (auto const* all : {&groups, &controls}) {
      auto const found = std::ranges::find(*all, key, &ScoreGroup::key);
      if (found != all->end()) return *found;
    }
    fail("no scores ", key);
  }

  bool operator==(Scores const&) const = default;
};

/// Puts a group together, answer by answer.
class ScoreTally {
 public:
  /// Lines that are there also if nothing is added to them.
  void expect(std::string_view name) { of(name); }

  void add(std::string_view name, Answer const& answer) {
    auto& line = of(name);
    line.value += answer.score;  // the sum, until `group`
    ++line.questions;
    line.broken += answer.problem.empty() ? 0 : 1;
  }

  /// The mean of each line's answers, in the order in which they came first.
  ScoreGroup group(std::string key, double whole = 1) const {
    ScoreGroup group{std::move(key), lines_};
    for (auto& line : group.lines) {
      if (line.questions > 0) line.value *= whole / static_cast<double>(line.questions);
    }
    return group;
  }

 private:
  ScoreLine& of(std::string_view name) {
    auto const found = std::ranges::find(lines_, name, &ScoreLine::name);
    return found != lines_.end() ? *found : lines_.emplace_back(ScoreLine{std::string(name)});
  }

  std::vector<ScoreLine> lines_;
};

/// The mean score of answers, as the share that `Scores::value` is if `whole` is 1.
inline double mean_score(std::vector<Answer> const& answers) {
  double sum = 0;
  for (auto const& answer : answers) sum += answer.score;
  return sum / std::max<double>(1, static_cast<double>(answers.size()));
}

/// Of spans, upstream's intersections over union.
inline constexpr std::array overlap_thresholds{0.3, 0.5, 0.7};

/// How many spans overlap the right ones by so much.
/// \param answers whose scores are overlaps, as shares
inline ScoreGroup recall_of(std::vector<Answer> const& answers, double whole) {
  ScoreTally tally;
  for (double const threshold : overlap_thresholds) {
    for (auto answer : answers) {
      answer.score = answer.score >= threshold ? 1 : 0;
      tally.add(fmt::format("IOU {}", threshold), answer);
    }
  }
  return tally.group("by_overlap", whole);
}

/// As results.json has it: a group is an object by its key, with an object for each line.
inline nlohmann::ordered_json to_json(Scores const& scores) {
  nlohmann::ordered_json json{
      {"value", scores.value}, {"of", scores.whole}, {"questions", scores.questions}};
  if (scores.spread) json["stderr"] = *scores.spread;
  if (scores.chance) json["chance"] = *scores.chance;
  for (auto const* all : {&scores.groups, &scores.controls}) {
    for (auto const& group : *all) {
      auto& object = json[group.key] = nlohmann::ordered_json::object();
      for (auto const& line : group.lines) {
        object[line.name] = {{"value", line.value}, {"questions", line.questions}};
        if (line.broken > 0) object[line.name]["broken"] = line.broken;
      }
    }
  }
  for (auto const& [name, number] : scores.more) json[name] = number;
  return json;
}

/// The scores in a results.json.
/// \throws InputError if they are not as `to_json` writes them
inline Scores scores_in(nlohmann::ordered_json const& json) {
  try {
    Scores scores{
        .value = json.at("value"), .whole = json.at("of"), .questions = json.at("questions")};
    for (auto const& [key, value] : json.items()) {
      if (key == "value" || key == "of" || key == "questions") continue;
      if (key == "stderr") {
        scores.spread = value.get<double>();
      } else if (key == "chance") {
        scores.chance = value.get<double>();
      } else if (value.is_number()) {
        scores.more.emplace_back(key, value.get<double>());
      } else if (value.is_object()) {
        ScoreGroup group{key, {}};
        for (auto const& [name, line] : value.items()) {
          group.lines.push_back({name, line.at("value"), line.at("questions"),
                                 line.value("broken", std::int64_t{0})});
        }
        (key.starts_with("by_") ? scores.groups : scores.controls).push_back(std::move(group));
      }
    }
    return scores;
  } catch (nlohmann::json::exception const&) {
    throw InputError("results.json: its scores are not as eval-<model> writes them.");
  }
}

}  // namespace vcflash::eval
