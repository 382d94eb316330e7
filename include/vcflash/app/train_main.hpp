#pragma once

#include <vcflash/app/log.hpp>
#include <vcflash/app/machine.hpp>
#include <vcflash/app/program.hpp>
#include <vcflash/app/progress.hpp>
#include <vcflash/app/trained_model.hpp>
#include <vcflash/data/loader.hpp>
#include <vcflash/recipe/describe.hpp>
#include <vcflash/train/config.hpp>
#include <vcflash/train/loader_config.hpp>
#include <vcflash/train/trainer.hpp>

#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <nlohmann/json.hpp>

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace vcflash::app {

namespace detail {

struct TrainArguments {
  std::filesystem::path data, out, init, connector, encoder, tokenizer, config;
  std::vector<std::string> settings;
  std::string resume = "auto";
  bool describe = false, init_only = false;

  void add_flags(CLI::App& flags) {
    flags
        .add_option("--data", data,
                    "Data mixture: which annotations, how much of each, where "
                    "their videos are")
        ->type_name("MIX.yaml");
    flags
        .add_option("--out", out,
                    "Folder for the trained model, metrics.jsonl and running "
                    "checkpoints")
        ->type_name("DIR");
    flags
        .add_option("--init", init,
                    "Folder of the model to start from, or what stage 1 left; "
                    "without it, weights are drawn from train.seed")
        ->type_name("FOLDER");
    flags.add_option("--connector", connector, "Connector to put into that model")
        ->type_name("mm_projector.bin");
    flags.add_option("--encoder", encoder, "Encoder to put into that model")->type_name("F.pt");
    flags.add_option("--tokenizer", tokenizer, "Folder of the tokenizer's files; default: --init")
        ->type_name("FOLDER");
    flags.add_option("--config", config, "Settings of this run; --describe lists them all")
        ->type_name("F.toml");
    flags.add_option("--set", settings, "One setting of this run; may be given several times")
        ->type_name("KEY=VALUE");
    flags.add_option("--resume", resume, "auto: go on from what is in --out; never: start over")
        ->check(CLI::IsMember({"auto", "never"}))
        ->capture_default_str();
    flags.add_flag("--describe", describe,
                   "Print parts, parameters, tokens and settings, and exit");
    flags.add_flag("--init-only", init_only, "Write the model to start from to --out, and exit");
  }

  train::RunFiles files() const {
    auto const given = [](std::filesystem::path const& path) {
      return path.empty() ? std::nullopt : std::optional(path);
    };
    return {.out = out,
            .init = given(init),
            .connector = given(connector),
            .encoder = given(encoder),
            .resume = resume == "auto"};
  }
};

template <RecipeLike R>
train::RunConfig run_config(TrainArguments const& arguments) {
  auto config = train::default_config<R>();
  if (!arguments.config.empty()) train::overlay(config, arguments.config);
  for (auto const& setting : arguments.settings) {
    train::overlay(config, std::string_view(setting));
  }
  train::require_consistent(config);
  return config;
}

/// The tokenizer that a run is told to use, or that of the model it starts from.
template <RecipeLike R>
text::Tokenizer tokenizer_of_run(TrainArguments const& arguments) {
  if (!arguments.tokenizer.empty()) return tokenizer_for<R>(arguments.tokenizer);
  auto const start = train::start_of(arguments.files());
  if (start.weights) return tokenizer_for<R>(*start.weights);
  throw InputError("--tokenizer is required where no --init brings one.");
}

/// Writes the folder that stages start from: weights, config.json and tokenizer.
template <RecipeLike R>
void write_initial_model(TrainArguments const& arguments, train::RunConfig const& config) {
  auto const start = train::start_of(arguments.files());
  auto const tokenizer = tokenizer_of_run<R>(arguments);
  typename R::Network network;
  train::load_weights<R>(network, start, config);
  make_folder(arguments.out);
  checkpoint::StagedFolder staged(arguments.out, checkpoint::StagedFolder::Place::inside);
  auto json = checkpoint::config_of<R>(config.recipe, start.config);
  json["torch_dtype"] = train::detail::name_of_choice(config.dtype);
  checkpoint::write_json(staged.path() / "config.json", json);
  checkpoint::save_weights(network, staged.path());
  tokenizer.copy_to(staged.path());
  staged.commit_into();
  fmt::print("{}: {} parameters, {} tokens\n", arguments.out.string(),
             with_commas(parameter_count<typename R::Network>), tokenizer.vocabulary());
}

/// `training.json`: what was trained, for how long, and what came of it.
template <RecipeLike R>
nlohmann::ordered_json summary_of(train::RunSummary const& summary, std::int64_t bad_samples) {
  auto const model = describe_model<R>(R::Stage::trained);
  nlohmann::ordered_json json{{"recipe", std::string(std::string_view(R::name))},
                              {"stage", std::string(std::string_view(R::Stage::name))},
                              {"steps", summary.steps_done},
                              {"seconds", summary.seconds},
                              {"loss_first", summary.loss_first},
                              {"loss_last", summary.loss_last},
                              {"parameters", model.parameters},
                              {"trained_parameters", model.trained_parameters},
                              {"resolution", model.resolution},
                              {"clip_frames", model.clip_frames},
                              {"clip_patches", model.clip_patches},
                              {"clip_tokens", model.clip_tokens},
                              {"bad_samples", bad_samples},
                              {"peak_memory_mib", peak_memory_mib()},
                              {"vcflash", std::string(version)}};
  for (auto const& part : model.parts) {
    json["parts"].push_back({{"part", part.part},
                             {"component", part.component},
                             {"parameters", part.parameters},
                             {"trained", part.trained}});
  }
  return json;
}

/// What the progress bar says beside its numbers: a running mean of the loss, the rate, and the
/// share of the time that steps wait for samples, if that is much.
class TrainingNote {
 public:
  std::string of(train::StepReport const& report) {
    auto const mix = [&](double& mean, double value) {
      if (!std::isfinite(value)) return;
      mean = seen_ ? 0.9 * mean + 0.1 * value : value;
    };
    mix(loss_, report.loss);
    mix(waiting_, report.data_seconds / std::max(report.seconds, 1e-9));
    seen_ = true;
    return fmt::format("loss {:.4f}  lr {:.2e}{}", loss_, report.learning_rate,
                       waiting_ > 0.2 ? fmt::format("  waiting {:.0f} %", 100 * waiting_) : "");
  }

 private:
  double loss_ = 0, waiting_ = 0;
  bool seen_ = false;
};

template <RecipeLike R>
void train_recipe(TrainArguments const& arguments, train::RunConfig const& config) {
  if (!std::filesystem::exists(arguments.data)) {
    throw InputError(fmt::format("--data {}: there is no such file.", arguments.data.string()));
  }
  auto const tokenizer = tokenizer_of_run<R>(arguments);
  make_folder(arguments.out);
  data::Loader loader(
      train::loader_config<R>(config, arguments.data, arguments.out / "bad_samples.jsonl"),
      tokenizer, [](data::BadSample const& bad) {
        spdlog::warn("{}: row {}: {}", bad.file, bad.row, bad.reason);
      });
  TrainingNote note;
  std::optional<Progress> progress;
  train::Callbacks const callbacks{
      .on_step =
          [&](train::StepReport const& report) {
            if (!progress) {
              progress.emplace(std::string(std::string_view(R::name)), "step", report.steps,
                               report.step - 1);
            }
            progress->update(report.step, note.of(report));
          },
      .warn = [](std::string const& sentence) { spdlog::warn("{}", sentence); }};
  train::Trainer<R> trainer(config, arguments.files(), tokenizer, callbacks);
  if (auto const done = trainer.steps_done(); done > 0) {
    spdlog::info("{}: goes on after step {}.", arguments.out.string(), done);
  }
  auto const summary = trainer.run(loader);
  progress.reset();
  if (summary.interrupted) {
    throw Error(fmt::format("interrupted after step {} of {}; the same command goes on from there.",
                            summary.steps_done, summary.steps));
  }
  checkpoint::write_file(arguments.out / "training.json",
                         summary_of<R>(summary, loader.bad_samples()).dump(2) + '\n');
  fmt::print(
      "{}: {} steps in {}, loss {:.4f} to {:.4f}{}; the model is in {}\n",
      std::string_view(R::name), summary.steps_done, as_duration(summary.seconds),
      summary.loss_first, summary.loss_last,
      loader.bad_samples() > 0 ? fmt::format(", {} samples left out", loader.bad_samples()) : "",
      arguments.out.string());
}

}  // namespace detail

/// The program `train-<recipe>`.
template <RecipeLike R>
int train_main(int argc, char** argv) {
  auto const name = fmt::format("train-{}", std::string_view(R::name));
  Program program(
      name,
      fmt::format("Trains the recipe {}: stage {}.", std::string_view(R::name),
                  std::string_view(R::Stage::name)),
      fmt::format("{0} --data mix.yaml --out run1 --init base --set train.max_steps=100\n"
                  "{0} --describe",
                  name));
  detail::TrainArguments arguments;
  arguments.add_flags(program.flags());
  return program.run(argc, argv, [&] {
    set_up_log(name);
    auto const config = detail::run_config<R>(arguments);
    if (arguments.describe) {
      fmt::print("{}", describe<R>(train::settings_of(config)));
      return;
    }
    if (arguments.out.empty()) throw InputError("--out is required (see --help).");
    if (arguments.init_only) return detail::write_initial_model<R>(arguments, config);
    if (arguments.data.empty()) throw InputError("--data is required (see --help).");
    detail::train_recipe<R>(arguments, config);
  });
}

}  // namespace vcflash::app
