#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <c10/core/ScalarType.h>

#include <vcflash/data/sampler.hpp>
#include <vcflash/meta/separate.hpp>
#include <vcflash/recipe/recipe.hpp>
#include <vcflash/train/schedule.hpp>

/// What may change between two runs of one recipe: the recipe's own values, over them a TOML file,
/// over that single settings.
namespace vcflash::train {

/// A run's settings. `--describe` names them.
struct RunConfig {
  Hyperparameters recipe;  ///< what the recipe and its stage say; most of it can be overridden
  std::int64_t global_batch = 1;  ///< conversations a step; a multiple of the micro batch
  ScheduleKind schedule = ScheduleKind::cosine;
  at::ScalarType dtype = at::kFloat;
  std::int64_t batch_threads = 1;   ///< among which a micro batch is divided
  std::int64_t threads = 0;         ///< of the tensor operations of each; 0: what there is
  std::int64_t max_bad_steps = 20;  ///< in a row, whose loss or gradients are no finite numbers
  double save_minutes = 30;   ///< after which there is a running checkpoint; 0: by steps alone
  std::int64_t keep = 2;      ///< newest running checkpoints that stay
  std::int64_t workers = 2;   ///< threads that decode ahead of the step
  std::int64_t prefetch = 2;  ///< micro batches ready ahead of the step
  std::int64_t frame_cache = 1024;  ///< MiB of decoded frames that are kept
  double video_timeout = 0;         ///< seconds that one video file may take; 0: by its length
  double max_bad_fraction = 0.05;   ///< of the last 1,000 samples; more stop the run
  bool allow_outside_root = false;  ///< media may lie outside the data_root of their set
  data::Order order = data::Order::grouped;
  double dist_timeout = 600;  ///< seconds that a process waits for another
  bool jitter = false;        ///< frames are drawn from their intervals, not taken mid-way
  bool time_message = true;   ///< conversations say how long their video is

  /// Micro batches whose gradients make one step, of all processes.
  std::int64_t accumulation() const { return global_batch / recipe.micro_batch; }
};

/// "float32" or "bfloat16".
constexpr std::string_view name_of(at::ScalarType dtype) {
  return dtype == at::kBFloat16 ? "bfloat16" : "float32";
}

/// The settings that a recipe has of itself.
template <RecipeLike R>
RunConfig default_config() {
  RunConfig config{.recipe = R::Stage::defaults};
  config.global_batch = config.recipe.global_batch();
  config.dtype = config.recipe.bf16 ? at::kBFloat16 : at::kFloat;
  config.order = config.recipe.group_by_length ? data::Order::grouped : data::Order::shuffled;
  config.jitter = config.recipe.frame_jitter;
  // What a stage does not say of its conversations is as the LLM's family has it.
  if (config.recipe.chat == ChatTemplate::qwen_2) config.recipe.chat = *R::Llm::facts.chat;
  config.time_message = R::time_message && !config.recipe.chat.captions;
  return config;
}

/// Overrides what a TOML file sets.
/// \throws InputError if there is no such setting, naming the nearest, or a value does not fit
void overlay(RunConfig& config, std::filesystem::path const& file);

/// Overrides one setting as a command line gives it: `name=value`, quotes not needed.
/// \throws InputError as above
void overlay_setting(RunConfig& config, std::string_view assignment);

/// Whether the settings fit one another, and the number of processes that train together.
/// \throws InputError saying which do not
void require_consistent(RunConfig const& config, std::int64_t processes = 1);

/// Every setting's name and value.
std::vector<std::pair<std::string, std::string>> settings_of(RunConfig const& config);

/// The effective settings as a file that a later run can be given.
std::string to_toml(RunConfig const& config);

}  // namespace vcflash::train

#ifndef VCFLASH_SEPARATE
#include <vcflash/train/config.ipp>
#endif
