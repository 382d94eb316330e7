#pragma once

#include <filesystem>

#include <vcflash/meta/separate.hpp>

namespace vcflash::app {

/// Writes `report.html` into the folder of a training: what was trained, curves of loss, gradient
/// norm, learning rate, speed and memory, where the time went, and the settings. One file that
/// needs nothing else. \param out with `training.json`, `metrics.jsonl` and `config.toml` \throws
/// InputError naming the first of them that is missing or malformed
void write_training_report(std::filesystem::path const& out);

}  // namespace vcflash::app

#ifndef VCFLASH_SEPARATE
#include <vcflash/app/training_report.ipp>
#endif
