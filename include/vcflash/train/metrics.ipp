#pragma once

#include <cerrno>
#include <cmath>
#include <cstring>
#include <string>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <vcflash/checkpoint/atomic.hpp>
#include <vcflash/meta/error.hpp>
#include <vcflash/train/metrics.hpp>

namespace vcflash::train {

VCFLASH_INLINE MetricsFile::MetricsFile(std::filesystem::path path, std::int64_t steps_done)
    : path_(std::move(path)) {
  std::string kept;
  std::ifstream old(path_);
  for (std::string line; steps_done > 0 && std::getline(old, line);) {
    // A line that a dying process left unfinished is dropped as well.
    auto const json = nlohmann::json::parse(line, nullptr, false);
    if (!json.is_object() || !json.contains("step") || !json["step"].is_number_integer()) continue;
    if (json["step"].get<std::int64_t>() <= steps_done) kept += line + '\n';
  }
  checkpoint::write_file(path_, kept);
  file_.open(path_, std::ios::app);
}

VCFLASH_INLINE void MetricsFile::write(StepReport const& report) {
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

}  // namespace vcflash::train
