#pragma once

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cstdint>
#include <ctime>
#include <filesystem>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <vcflash/checkpoint/atomic.hpp>
#include <vcflash/eval/rows.hpp>
#include <vcflash/eval/scores.hpp>
#include <vcflash/eval/sha256.hpp>

/// What upstream's harness (lmms-eval) leaves of a run, so that what reads it can read ours.
namespace vcflash::eval {

/// What the files say about a run.
struct LmmsRun {
  std::string model = "videochat_flash";
  std::string model_args{};  ///< "pretrained=FOLDER,max_num_frames=512"
  std::string suffix{};      ///< named in the folder; upstream's scripts pass the task
  std::string time{};        ///< "MMDD_HHMM"
  std::string git_hash{};
  nlohmann::ordered_json limit = nullptr;
};

/// A moment as the folders name it: in Singapore, as upstream does wherever it runs.
inline std::string lmms_time(std::time_t moment) {
  moment += 8 * 3600;
  std::tm time{};
  ::gmtime_r(&moment, &time);
  return fmt::format("{:02}{:02}_{:02}{:02}", time.tm_mon + 1, time.tm_mday, time.tm_hour,
                     time.tm_min);
}

/// The folder of a run. A suffix of more than 15 characters is cut in the middle.
inline std::string lmms_folder(LmmsRun const& run) {
  auto const suffix = run.suffix.size() <= 15 ? run.suffix
                                              : run.suffix.substr(0, 5) + "..." +
                                                    run.suffix.substr(run.suffix.size() - 5);
  return fmt::format("{}_{}_{}_model_args_{}", run.time, suffix, run.model,
                     sha256(run.model_args).substr(0, 6));
}

/// A benchmark that upstream's harness knows too.
template <class B>
concept LmmsBenchmark = Benchmark<B> &&
    requires(B const& benchmark, Row const& row, Answer const& answer) {
  { B::tasks() } -> std::same_as<std::vector<Task>>;
  { benchmark.target(row) } -> std::same_as<nlohmann::json>;
  { benchmark.log(row, answer) } -> std::same_as<nlohmann::ordered_json>;
};

namespace detail {

inline nlohmann::ordered_json lmms_config(Task const& task) {
  auto generation = task.generation;
  generation["until"] = {"\n\n"};
  nlohmann::ordered_json config{{"task", task.name}, {"dataset_path", task.dataset_path}};
  if (!task.dataset_name.empty()) config["dataset_name"] = task.dataset_name;
  config["test_split"] = task.split;
  config["output_type"] = "generate_until";
  config["generation_kwargs"] = std::move(generation);
  config["lmms_eval_specific_kwargs"]["default"] = task.specific;
  return config;
}

inline nlohmann::ordered_json lmms_values(Task const& task, nlohmann::ordered_json value,
                                          nlohmann::ordered_json spread, std::string alias) {
  return {{task.metric + ",none", std::move(value)},
          {task.metric + "_stderr,none", std::move(spread)},
          {"alias", std::move(alias)}};
}

}  // namespace detail

/// `results.json` as upstream's harness writes it.
/// \param scores what the benchmark's `aggregate` gave
template <LmmsBenchmark B>
nlohmann::ordered_json lmms_results(B const&, Scores const& scores, LmmsRun const& run) {
  using Json = nlohmann::ordered_json;
  Json results, groups, configs, versions, shots;
  std::string const name(B::name);
  auto const tasks = B::tasks();
  bool const grouped = tasks.size() > 1;
  if (grouped) {
    groups[name] =
        detail::lmms_values(tasks.front(), scores.value, scores.spread.value_or(0), name);
    results[name] = groups[name];
    versions[name] = "N/A";
    shots[name] = 0;
  }
  for (auto const& task : tasks) {
    ScoreLine const* line = nullptr;
    if (grouped) {
      auto const& lines = scores.group("by_task").lines;
      auto const found = std::ranges::find(lines, task.name, &ScoreLine::name);
      if (found == lines.end()) continue;
      line = &*found;
    }
    // of a submission upstream has no value: a script of its own grades the file
    Json const value = task.metric == "submission" ? Json()
                       : line                      ? Json(line->value)
                                                   : Json(scores.value);
    results[task.name] =
        detail::lmms_values(task, value, "N/A", (grouped ? " - " : "") + task.name);
    configs[task.name] = detail::lmms_config(task);
    versions[task.name] = "Yaml";
    shots[task.name] = 0;
  }
  Json all{{"results", std::move(results)}};
  if (grouped) all["groups"] = std::move(groups);
  all["configs"] = std::move(configs);
  all["versions"] = std::move(versions);
  all["n-shot"] = std::move(shots);
  all["model_configs"] = {{"model", run.model}, {"model_args", run.model_args},
                          {"batch_size", "1"},  {"device", nullptr},
                          {"limit", run.limit}, {"bootstrap_iters", 100000},
                          {"gen_kwargs", ""}};
  all["git_hash"] = run.git_hash;
  return all;
}

/// The file of one task's answers as upstream's harness writes it with `--log_samples`.
template <LmmsBenchmark B>
nlohmann::ordered_json lmms_log(B const& benchmark, std::size_t task, std::vector<Row> const& rows,
                                std::vector<Answer> const& answers, LmmsRun const& run) {
  using Json = nlohmann::ordered_json;
  Task const described = B::tasks().at(task);
  Json logs = Json::array();
  for (std::size_t i = 0; i < rows.size(); ++i) {
    Row const& row = rows[i];
    if (row.task != task) continue;
    auto const& text = answers[i].text;
    Json entry{{"doc_id", row.doc_id}, {"target", benchmark.target(row)}, {"doc", row.doc}};
    entry["arguments"] = Json::array(
        {Json::array({benchmark.prompt(row), row.doc_id, described.name, described.split})});
    entry["resps"] = Json::array({Json::array({text})});
    entry["filtered_resps"] = Json::array({text});
    entry.update(benchmark.log(row, answers[i]));
    logs.push_back(std::move(entry));
  }
  return {{"args",
           {{"model", run.model},
            {"model_args", run.model_args},
            {"tasks", std::string(B::name)},
            {"log_samples", true}}},
          {"model_configs", detail::lmms_config(described)},
          {"logs", std::move(logs)},
          {"time", run.time}};
}

/// Writes a run as upstream's harness does, into a folder of its own below `out`.
/// \return the folder
template <LmmsBenchmark B>
std::filesystem::path write_lmms_layout(std::filesystem::path const& out, B const& benchmark,
                                        std::vector<Row> const& rows,
                                        std::vector<Answer> const& answers, Scores const& scores,
                                        LmmsRun const& run) {
  auto const folder = out / lmms_folder(run);
  std::filesystem::create_directories(folder);
  auto const write = [](std::filesystem::path const& path, nlohmann::ordered_json const& json) {
    checkpoint::write_file(path,
                           json.dump(4, ' ', false, nlohmann::json::error_handler_t::replace));
  };
  auto const tasks = B::tasks();
  nlohmann::ordered_json submission = nlohmann::ordered_json::object();
  for (std::size_t task = 0; task < tasks.size(); ++task) {
    auto const log = lmms_log(benchmark, task, rows, answers, run);
    if (log.at("logs").empty()) continue;
    write(folder / (tasks[task].name + ".json"), log);
    for (auto const& entry : log.at("logs")) {
      if (tasks[task].metric == "submission") submission.update(entry.at("submission"));
    }
  }
  if (!submission.empty()) {
    std::filesystem::create_directories(folder / "submissions");
    write(folder / "submissions" /
              fmt::format("inference_results_{}_{}.json", std::string(B::name), run.time),
          submission);
  }
  write(folder / "results.json", lmms_results(benchmark, scores, run));
  return folder;
}

}  // namespace vcflash::eval
