#pragma once

#include <cerrno>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <vcflash/checkpoint/atomic.hpp>
#include <vcflash/meta/error.hpp>

namespace vcflash::train {

/// What one step did.
struct StepReport {
  std::int64_t step = 0;               ///< 1 for the run's first
  std::int64_t steps = 0;              ///< of the whole run
  double loss = 0;                     ///< mean over the step's micro batches
  std::vector<double> micro_losses{};  ///< of those that had something to learn from
  double learning_rate = 0;
  double gradient_norm = 0;  ///< before clipping
  double seconds = 0;        ///< of the whole step
  double data_seconds = 0;   ///< of it, waiting for samples
  std::int64_t tokens = 0;   ///< of all conversations, visual ones included
  std::int64_t labels = 0;   ///< tokens that the loss is about
};

/// `metrics.jsonl`: one JSON object a step.
class MetricsFile {
 public:
  /// Opens a run's file; what it says about steps after `steps_done` is taken out.
  MetricsFile(std::filesystem::path path, std::int64_t steps_done) : path_(std::move(path)) {
    std::string kept;
    std::ifstream old(path_);
    for (std::string line; steps_done > 0 && std::getline(old, line);) {
      // A line that a dying process left unfinished is dropped as well.
      auto const json = nlohmann::json::parse(line, nullptr, false);
      if (!json.is_object() || !json.contains("step") || !json["step"].is_number_integer())
        continue;
      if (json["step"].get<std::int64_t>() <= steps_done) kept += line + '\n';
    }
    checkpoint::write_file(path_, kept);
    file_.open(path_, std::ios::app);
  }

  /// \throws Error if the line cannot be written
  void write(StepReport const& report) {
    auto const number = [](double value) {
      return std::isfinite(value) ? nlohmann::ordered_json(value) : nlohmann::ordered_json(nullptr);
    };
    nlohmann::ordered_json const line{
        {"step", report.step},        {"loss", number(report.loss)},
        {"lr", report.learning_rate}, {"grad_norm", number(report.gradient_norm)},
        {"seconds", report.seconds},  {"data_seconds", report.data_seconds},
        {"tokens", report.tokens},    {"labels", report.labels}};
    file_ << line.dump() << std::endl;
    if (!file_) {
      throw Error(fmt::format("{}: cannot be written ({}).", path_.string(), std::strerror(errno)));
    }
  }

 private:
  std::filesystem::path path_;
  std::ofstream file_;
};

}  // namespace vcflash::train
