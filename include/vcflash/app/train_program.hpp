#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include <nlohmann/json_fwd.hpp>

#include <vcflash/checkpoint/config_json.hpp>
#include <vcflash/dist/device.hpp>
#include <vcflash/dist/process_group.hpp>
#include <vcflash/meta/separate.hpp>
#include <vcflash/recipe/describe.hpp>
#include <vcflash/tensor/parameter_list.hpp>
#include <vcflash/text/tokenizer.hpp>
#include <vcflash/train/config.hpp>
#include <vcflash/train/plan.hpp>
#include <vcflash/train/run_loader.hpp>
#include <vcflash/train/start.hpp>
#include <vcflash/train/trainer.hpp>
#include <vcflash/train/utilization.hpp>

namespace vcflash::app {

/// What a training ends with that was asked to stop, and that the same command goes on with
/// (EX_TEMPFAIL): whoever started it is to start it again, not to go on to the next stage.
inline constexpr int exit_interrupted = 75;

/// One training as a program starts it.
struct TrainingRun {
  train::RunConfig config;
  train::RunFiles files;
  text::Tokenizer tokenizer;
  train::Callbacks callbacks;
  dist::ProcessGroup* group = nullptr;  ///< none: one process
  at::Device device = at::kCPU;
  std::optional<train::Utilization> utilization;  ///< none: unknown
  std::function<void(std::int64_t steps_done)> on_resume;
};

/// What a recipe brings to its program; the rest is the same for all recipes.
struct TrainProgram {
  std::string_view recipe, stage;
  train::RunConfig defaults;
  ModelDescription model;
  checkpoint::NetworkFields network;
  checkpoint::StageFields stage_fields;
  std::optional<std::string> asked_as_trained{};  ///< see train::ModelFiles
  EncoderFacts pixels;
  ZeroStage zero;
  std::string (*describe)(Settings const&);
  train::Plan (*plan)(train::RunConfig const&, train::PlanRequest const&);
  /// The weights that a training starts from.
  NamedTensors (*draw)(train::Start const&, train::RunConfig const&, train::Warn const&);
  train::RunSummary (*train)(TrainingRun const&, train::RunLoader&);
};

/// What `describe` says, for machines: recipe, stage, parts, tokens, and every setting's value.
nlohmann::ordered_json description_of(TrainProgram const& recipe, train::RunConfig const& config);

/// The program `train-<recipe>`: flags, settings, progress, what it leaves.
/// \return the exit code of the process
int run_train_program(TrainProgram const& recipe, int argc, char** argv);

}  // namespace vcflash::app

#ifndef VCFLASH_SEPARATE
#include <vcflash/app/train_program.ipp>
#endif
