#pragma once

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>
#include <utility>
#include <vector>

#include <vcflash/app/progress.hpp>
#include <vcflash/app/report/results_files.hpp>
#include <vcflash/eval/scores.hpp>

/// What a run of the demo left behind, gathered from its folders.
namespace vcflash::app {

/// One training of the demo.
struct StageResult {
  std::string name;            ///< "stage1"
  nlohmann::json training;     ///< training.json
  std::vector<double> losses;  ///< of each step
};

struct DemoResults {
  std::uint64_t seed = 0;
  bool quick = false;
  std::vector<StageResult> stages;
  eval::Scores scores;                                 ///< in eval/results.json
  std::vector<nlohmann::json> answers;                 ///< eval/answers.jsonl
  std::vector<std::pair<std::string, double>> phases;  ///< name and seconds, in order
  double seconds = 0;                                  ///< all after the set-up
  std::string machine;
};

/// Reads `stage1 … stage4`, `eval` and `phases.tsv` (a name, a tab and seconds a line).
/// \throws InputError naming the first file that is missing or malformed
inline DemoResults gather_demo(std::filesystem::path const& demo) {
  DemoResults results;
  for (int i = 1; i <= 4; ++i) {
    StageResult stage{fmt::format("stage{}", i), {}, {}};
    stage.training = read_results(demo / stage.name / "training.json");
    for (auto const& row : read_results_lines(demo / stage.name / "metrics.jsonl")) {
      auto const loss = row.find("loss");
      if (loss != row.end() && loss->is_number()) stage.losses.push_back(*loss);
    }
    results.stages.push_back(std::move(stage));
  }
  results.scores = eval::scores_in(
      read_results(demo / "eval/results.json").value("scores", nlohmann::ordered_json()));
  results.answers = read_results_lines(demo / "eval/answers.jsonl");
  std::ifstream phases(demo / "phases.tsv");
  std::string name, seconds;
  while (std::getline(phases, name, '\t') && std::getline(phases, seconds)) {
    results.phases.emplace_back(name, std::strtod(seconds.c_str(), nullptr));
  }
  return results;
}

/// The demo's `results.json`.
inline nlohmann::ordered_json to_json(DemoResults const& demo) {
  auto const values = [&](char const* key) {
    nlohmann::ordered_json object;
    for (auto const& line : demo.scores.group(key).lines) object[line.name] = line.value;
    return object;
  };
  nlohmann::ordered_json json{
      {"seed", demo.seed},
      {"accuracy", values("by_kind")},
      {"control", values("control")},
      {"reversed_direction", demo.scores.group("reversed").line("direction").value},
      {"samples", demo.scores.questions},
      {"stages", nlohmann::ordered_json::array()}};
  for (auto const& stage : demo.stages) {
    nlohmann::ordered_json row{{"name", stage.name}};
    for (auto const* key : {"steps", "seconds", "loss_first", "loss_last", "trained_parameters"}) {
      row[key] = stage.training.at(key);
    }
    json["stages"].push_back(std::move(row));
  }
  json["seconds"] = demo.seconds;
  json["machine"] = demo.machine;
  return json;
}

/// The kinds of questions that are answered well enough to say so: far above chance.
inline std::string learned_kinds(eval::Scores const& scores) {
  constexpr double learned = 0.7;
  std::string kinds;
  for (auto const& kind : scores.group("by_kind").lines) {
    if (kind.name == "all" || kind.value < learned) continue;
    kinds += (kinds.empty() ? "" : ", ") + kind.name;
  }
  return kinds.empty() ? "nothing" : kinds;
}

/// What the demo ends with: what was learned, how well, how long, where to look.
inline std::string last_lines(DemoResults const& demo, std::filesystem::path const& folder) {
  auto const& scores = demo.scores;
  double training = 0;
  std::int64_t steps = 0;
  for (auto const& stage : demo.stages) {
    training += stage.training.at("seconds").get<double>();
    steps += stage.training.at("steps").get<std::int64_t>();
  }
  return fmt::format(
      "learned   {} in {} steps of four stages\n"
      "how well  {:.1f} % of {} held-out questions; {:.1f} % with another clip's video; backwards, "
      "{:.1f} % of directions turn round\n"
      "how long  {} of training, {} for everything after the set-up, on {}\n"
      "look at   {}\n",
      demo.quick ? "next to nothing, as a quick run does,"
                 : learned_kinds(scores) + ", from random weights,",
      steps, 100 * scores.value, scores.questions, 100 * scores.group("control").line("all").value,
      100 * scores.group("reversed").line("direction").value, as_duration(training),
      as_duration(demo.seconds), demo.machine, (folder / "report.html").string());
}

}  // namespace vcflash::app
