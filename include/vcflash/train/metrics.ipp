#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <fstream>
#include <string>
#include <utility>

#include <nlohmann/json.hpp>

#include <vcflash/base/process_memory.hpp>
#include <vcflash/checkpoint/atomic.hpp>
#include <vcflash/train/metrics.hpp>

namespace vcflash::train {

VCFLASH_INLINE MetricsFile::MetricsFile(std::filesystem::path const& path, std::int64_t steps_done,
                                        LogFile::Warn warn)
    : file_(path, warn), events_(path.parent_path() / "tensorboard", steps_done, std::move(warn)) {
  std::string kept;
  std::ifstream old(path);
  for (std::string line; steps_done > 0 && std::getline(old, line);) {
    // A line that a dying process left unfinished is dropped as well.
    auto const json = nlohmann::json::parse(line, nullptr, false);
    if (!json.is_object() || !json.contains("step") || !json["step"].is_number_integer()) continue;
    if (json["step"].get<std::int64_t>() <= steps_done) kept += line + '\n';
  }
  checkpoint::write_file(path, kept);
}

VCFLASH_INLINE void MetricsFile::write(StepReport const& report) {
  auto const number = [](double value) {
    return std::isfinite(value) ? nlohmann::ordered_json(value) : nlohmann::ordered_json(nullptr);
  };
  nlohmann::ordered_json line{
      {"step", report.step}, {"loss", number(report.loss)}, {"lr", report.learning_rate}};
  if (report.connector_learning_rate > 0) line["lr_connector"] = report.connector_learning_rate;
  if (report.encoder_learning_rate > 0) line["lr_encoder"] = report.encoder_learning_rate;
  line.update({{"grad_norm", number(report.gradient_norm)},
               {"seconds", report.seconds},
               {"data_seconds", report.data_seconds},
               {"forward_seconds", report.forward_seconds},
               {"backward_seconds", report.backward_seconds},
               {"optimizer_seconds", report.optimizer_seconds},
               {"communication_seconds", report.communication_seconds},
               {"samples", report.samples},
               {"tokens", report.tokens},
               {"labels", report.labels},
               {"resident_mib", resident_memory_mib()}});
  if (report.empty > 0) line["empty"] = report.empty;
  if (report.utilization > 0) line["mfu"] = report.utilization;
  if (report.device_bytes > 0) line["device_mib"] = report.device_bytes >> 20;
  if (!report.skipped.empty()) line["skipped"] = report.skipped;
  file_.append(line.dump() + '\n');
  double const seconds = std::max(report.seconds, 1e-9);
  events_.write(report.step,
                std::array<EventFile::Scalar, 7>{
                    {{"train/loss", report.loss},
                     {"train/learning_rate", report.learning_rate},
                     {"train/grad_norm", report.gradient_norm},
                     {"speed/tokens_per_second", static_cast<double>(report.tokens) / seconds},
                     {"speed/samples_per_second", static_cast<double>(report.samples) / seconds},
                     {"speed/waiting_share", report.data_seconds / seconds},
                     {"speed/mfu", report.utilization}}});
}

}  // namespace vcflash::train
