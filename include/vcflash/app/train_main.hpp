#pragma once

#include <vcflash/app/train_program.hpp>
#include <vcflash/recipe/describe.hpp>
#include <vcflash/train/plan.hpp>
#include <vcflash/train/trainer.hpp>

namespace vcflash::app {

/// The program `train-<recipe>`.
template <RecipeLike R>
int train_main(int argc, char** argv) {
  using Network = typename R::Network;
  return run_train_program(
      {.recipe = type_name<R>(),
       .stage = R::Stage::name,
       .defaults = train::default_config<R>(),
       .model = describe_model<R>(R::Stage::trained),
       .network = checkpoint::network_fields<Network>(),
       .stage_fields = checkpoint::stage_fields<typename R::Stage>(),
       .asked_as_trained = train::ModelFiles::name_if_asked_as_trained<R>(),
       .pixels = encoder_facts<typename R::Encoder>(),
       .zero = R::Sharding::stage,
       .describe = [](Settings const& settings) { return describe<R>(settings); },
       .plan = train::plan_of<R>,
       .draw =
           [](train::Start const& start, train::RunConfig const& config, train::Warn const& warn) {
             Network network;
             train::load_weights<R>(network, start, config, warn);
             return named_parameters(network);
           },
       .train =
           [](TrainingRun const& run, train::RunLoader& loader) {
             train::Trainer<R> trainer(run.config, run.files, run.tokenizer, run.callbacks,
                                       run.group, run.device);
             if (run.utilization) trainer.measure(*run.utilization);
             if (trainer.steps_done() > 0) run.on_resume(trainer.steps_done());
             return trainer.run(loader);
           }},
      argc, argv);
}

}  // namespace vcflash::app
