#pragma once

#include <algorithm>
#include <chrono>
#include <cmath>
#include <csignal>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <optional>
#include <tuple>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include <vcflash/app/log.hpp>
#include <vcflash/app/machine.hpp>
#include <vcflash/app/number_checks.hpp>
#include <vcflash/app/plan_report.hpp>
#include <vcflash/app/program.hpp>
#include <vcflash/app/progress.hpp>
#include <vcflash/app/train_program.hpp>
#include <vcflash/app/trained_model.hpp>
#include <vcflash/app/training_report.hpp>
#include <vcflash/base/process_memory.hpp>
#include <vcflash/checkpoint/atomic.hpp>
#include <vcflash/checkpoint/folder.hpp>
#include <vcflash/dist/launch.hpp>
#include <vcflash/tensor/out_of_memory.hpp>
#include <vcflash/train/agreement.hpp>

namespace vcflash::app {

namespace detail {

struct TrainArguments {
  std::filesystem::path data, out, init, connector, encoder, tokenizer, config;
  std::vector<std::string> settings, allow_missing;
  std::string resume = "auto", device = "cpu";
  bool allow_changes = false;
  bool describe = false, plan = false, json = false, init_only = false;
  std::optional<std::int64_t> plan_frames;
  std::int64_t plan_text = train::PlanRequest{}.text, plan_processes = 0;

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
    add_allow_missing(flags, allow_missing);
    flags.add_option("--tokenizer", tokenizer, "Folder of the tokenizer's files; default: --init")
        ->type_name("FOLDER");
    flags.add_option("--config", config, "Settings of this run; --describe lists them all")
        ->type_name("F.toml");
    flags.add_option("--set", settings, "One setting of this run; may be given several times")
        ->type_name("KEY=VALUE");
    flags.add_option("--resume", resume, "auto: go on from what is in --out; never: start over")
        ->check(CLI::IsMember({"auto", "never"}))
        ->capture_default_str();
    flags.add_flag("--allow-changes", allow_changes,
                   "Go on in --out with another mixture, or another order of it, than before");
    add_device(flags, device);
    flags.add_flag("--describe", describe,
                   "Print parts, parameters, tokens and settings, and exit");
    flags.add_flag("--plan", plan,
                   "Print the memory and the operations of a step, loading nothing, and exit");
    flags
        .add_option("--plan-frames", plan_frames,
                    "Of --plan: frames of each conversation's video; default: data.max_frames")
        ->type_name("N");
    flags.add_option("--plan-text", plan_text, "Of --plan: each conversation's tokens of text")
        ->type_name("N")
        ->capture_default_str();
    flags
        .add_option("--plan-processes", plan_processes,
                    "Of --plan: processes that train together; default: those that were started")
        ->type_name("N")
        ->check(at_least(1));
    flags.add_flag("--json", json, "Print what --describe or --plan prints as JSON");
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
            .allow_missing = allow_missing,
            .resume = resume == "auto",
            .allow_changes = allow_changes};
  }
};

inline train::RunConfig run_config(TrainProgram const& recipe, TrainArguments const& arguments) {
  auto config = recipe.defaults;
  if (!arguments.config.empty()) train::overlay(config, arguments.config);
  for (auto const& setting : arguments.settings) train::overlay_setting(config, setting);
  train::require_consistent(config);
  return config;
}

/// The tokenizer that a run is told to use, or that of the model it starts from.
inline text::Tokenizer tokenizer_of_run(TrainProgram const& recipe,
                                        TrainArguments const& arguments) {
  auto const& llm = recipe.network.llm;
  if (!arguments.tokenizer.empty()) return tokenizer_for(llm, arguments.tokenizer);
  auto const start = train::start_of(arguments.files());
  if (start.weights) return tokenizer_for(llm, *start.weights);
  throw InputError("--tokenizer is required where no --init brings one.");
}

/// Writes the folder that stages start from: weights, config.json and tokenizer.
inline void write_initial_model(TrainProgram const& recipe, TrainArguments const& arguments,
                                train::RunConfig const& config) {
  auto const start = train::start_of(arguments.files());
  auto const tokenizer = tokenizer_of_run(recipe, arguments);
  auto const weights = recipe.draw(start, config, warn);
  make_folder(arguments.out);
  checkpoint::StagedFolder staged(arguments.out, checkpoint::StagedFolder::Place::inside);
  train::ModelFiles const files{recipe.network, recipe.stage_fields, config,
                                start,          &tokenizer,          recipe.asked_as_trained};
  files.write_config(staged.path());
  files.write_company(staged.path());
  checkpoint::save_weights(weights, staged.path());
  staged.commit_into(checkpoint::is_weights_file);
  fmt::print("{}: {} parameters, {} tokens\n", arguments.out.string(),
             with_commas(recipe.model.parameters), tokenizer.vocabulary());
}

/// How much of a run's steps was waiting for samples.
class Waiting {
 public:
  void add(train::StepReport const& report) {
    seconds_ += report.seconds;
    waited_ += report.data_seconds;
    if (++steps_ > 1) {
      later_seconds_ += report.seconds;
      later_waited_ += report.data_seconds;
    }
  }

  double share() const { return waited_ / std::max(seconds_, 1e-9); }
  /// Without the first step, for which nothing could be prepared ahead.
  double later_share() const { return later_waited_ / std::max(later_seconds_, 1e-9); }

 private:
  std::int64_t steps_ = 0;
  double seconds_ = 0, waited_ = 0, later_seconds_ = 0, later_waited_ = 0;
};

/// The parts of a model as JSON.
inline nlohmann::ordered_json parts_of(ModelDescription const& model) {
  auto parts = nlohmann::ordered_json::array();
  for (auto const& part : model.parts) {
    parts.push_back({{"part", part.part},
                     {"component", part.component},
                     {"parameters", part.parameters},
                     {"trained", part.trained}});
  }
  return parts;
}

/// `training.json`: what was trained, for how long, and what came of it.
inline nlohmann::ordered_json summary_of(TrainProgram const& recipe,
                                         train::RunSummary const& summary, Waiting const& waiting,
                                         std::int64_t bad_samples) {
  auto const& model = recipe.model;
  nlohmann::ordered_json json{{"recipe", recipe.recipe},
                              {"stage", recipe.stage},
                              {"steps", summary.steps_done},
                              {"seconds", summary.seconds},
                              {"data_share", waiting.share()},
                              {"data_share_after_first", waiting.later_share()},
                              {"loss_first", summary.loss_first},
                              {"loss_last", summary.loss_last},
                              {"saving_seconds", summary.saving_seconds},
                              {"interrupted", summary.interrupted},
                              {"skipped_steps", summary.skipped},
                              {"parameters", model.parameters},
                              {"trained_parameters", model.trained_parameters},
                              {"resolution", model.resolution},
                              {"clip_frames", model.clip_frames},
                              {"clip_patches", model.clip_patches},
                              {"clip_tokens", model.clip_tokens},
                              {"image_tokens", model.image_tokens},
                              {"bad_samples", bad_samples},
                              {"peak_memory_mib", peak_memory_mib()},
                              {"vcflash", version}};
  if (summary.interrupted) json["signal_to_checkpoint_seconds"] = summary.stopping_seconds;
  json["parts"] = parts_of(model);
  return json;
}

/// What a run's steps are measured by; none where they cannot be planned, which a training does not
/// need.
inline std::optional<train::Utilization> utilization_of(TrainProgram const& recipe,
                                                        train::RunConfig const& config,
                                                        at::Device device, std::int64_t processes) {
  try {
    auto const flops = train::step_flops(recipe.plan, config, recipe.pixels.clip_frames);
    return train::Utilization{flops, train::matrix_product_rate(config.dtype, device), processes};
  } catch (std::exception const&) {
    return {};
  }
}

/// Trains, and says what a step needs if there is not enough memory for it.
inline train::RunSummary train_within_memory(TrainProgram const& recipe, TrainingRun const& run,
                                             train::RunLoader& loader) {
  try {
    return recipe.train(run, loader);
  } catch (std::exception const& error) {
    if (!is_out_of_memory(error)) throw;
  }
  // What the training held is free again.
  std::optional<train::Plan> plan;
  try {
    plan = recipe.plan(run.config, {.processes = run.group != nullptr ? run.group->size() : 1});
  } catch (std::exception const&) {
  }
  throw Error(out_of_memory(plan ? &*plan : nullptr, run.config, recipe.pixels.clip_frames));
}

/// What the progress bar says beside its numbers: the loss, what is done in a second and the share
/// of the time that steps wait for samples, if that is much (running means), and the learning rate.
class TrainingNote {
 public:
  std::string of(train::StepReport const& report) {
    auto const mix = [&](double& mean, double value) {
      if (!std::isfinite(value)) return;
      mean = seen_ ? 0.9 * mean + 0.1 * value : value;
    };
    mix(loss_, report.loss);
    double const seconds = std::max(report.seconds, 1e-9);
    mix(samples_, static_cast<double>(report.samples) / seconds);
    mix(tokens_, static_cast<double>(report.tokens) / seconds);
    mix(waiting_, report.data_seconds / seconds);
    mix(utilization_, report.utilization);
    seen_ = true;
    return fmt::format("loss {:.4f}  lr {:.2e}  {:.3g} samples/s  {:.0f} tokens/s{}{}", loss_,
                       report.learning_rate, samples_, tokens_,
                       utilization_ > 0 ? fmt::format("  mfu {:.0f} %", 100 * utilization_) : "",
                       waiting_ > 0.2 ? fmt::format("  waiting {:.0f} %", 100 * waiting_) : "");
  }

 private:
  double loss_ = 0, samples_ = 0, tokens_ = 0, waiting_ = 0, utilization_ = 0;
  bool seen_ = false;
};

/// Writes to stdout. That nobody listens any more makes no training fail.
inline void say(std::string const& sentence) {
  std::fputs(sentence.c_str(), stdout);
  // What cannot be written is dropped; the next try would meet it again.
  if (std::fflush(stdout) != 0) std::ignore = std::freopen("/dev/null", "w", stdout);
}

/// Has a rank that is left by an exception say that one, and not that another ended meanwhile: a
/// loader's threads may take a while to end.
class SaysItsOwnReason {
 public:
  explicit SaysItsOwnReason(dist::ProcessGroup* group) : group_(group) {}
  SaysItsOwnReason(SaysItsOwnReason const&) = delete;
  SaysItsOwnReason& operator=(SaysItsOwnReason const&) = delete;
  ~SaysItsOwnReason() {
    if (group_ != nullptr && std::uncaught_exceptions() > exceptions_) group_->fails_itself();
  }

 private:
  dist::ProcessGroup* group_;
  int exceptions_ = std::uncaught_exceptions();
};

/// What all ranks of a run must have been told.
inline train::Facts run_facts(TrainProgram const& recipe, train::RunConfig const& config,
                              train::RunFiles const& files, at::Device device,
                              train::RunLoader const& loader) {
  train::Facts facts{{"recipe", std::string(recipe.recipe)},
                     {"vcflash", std::string(version)},
                     {"--device", c10::DeviceTypeName(device.type(), /*lower_case=*/true)},
                     {"--resume", files.resume ? "auto" : "never"},
                     {"rows of --data", std::to_string(loader.rows())},
                     {"the content of --data", files.data}};
  for (auto const& setting : train::settings_of(config)) facts.push_back(setting);
  return facts;
}

/// \return the exit code of the process
inline int train_recipe(TrainProgram const& recipe, TrainArguments const& arguments,
                        train::RunConfig const& config, dist::Launch const& launch) {
  auto const device = dist::device_of(arguments.device);
  if (!device.is_cpu()) dist::compute_reproducibly();  // a run that goes on must end as one
  if (!std::filesystem::exists(arguments.data)) {
    throw InputError(fmt::format("--data {}: there is no such file.", arguments.data.string()));
  }
  auto const tokenizer = tokenizer_of_run(recipe, arguments);
  // The others are to find it: a folder that each makes for itself looks like one that all share.
  if (launch.rank == 0) make_folder(arguments.out);
  std::optional<dist::ProcessGroup> group;
  if (!launch.alone()) {
    auto const timeout = std::chrono::duration<double>(config.dist_timeout);
    group.emplace(launch, std::chrono::duration_cast<std::chrono::milliseconds>(timeout),
                  dist::ProcessGroup::exit_saying, device);
  }
  bool const speaks = launch.rank == 0;
  auto const warn = [speaks](std::string const& sentence) {
    if (speaks) app::warn(sentence);
  };
  auto const bad_samples =
      speaks ? std::string("bad_samples.jsonl") : fmt::format("bad_samples-{}.jsonl", launch.rank);
  train::RunLoader loader(config, recipe.pixels, arguments.data, arguments.out / bad_samples,
                          tokenizer, warn, launch.rank, launch.processes);
  SaysItsOwnReason const own(group ? &*group : nullptr);  // goes before the loader
  auto files = arguments.files();
  files.data = loader.fingerprint();
  if (group) train::require_same_facts(*group, run_facts(recipe, config, files, device, loader));
  TrainingNote note;
  Waiting waiting;
  std::optional<Progress> progress;
  auto const on_step = [&](train::StepReport const& report) {
    if (!speaks) return;
    if (!progress) {
      progress.emplace(std::string(recipe.recipe), "step", report.steps, report.step - 1);
      progress->began(report.seconds);
    }
    waiting.add(report);
    progress->update(report.step, note.of(report));
  };
  auto const on_resume = [&](std::int64_t done) {
    if (!speaks) return;
    inform(fmt::format("{}: goes on after step {}.", arguments.out.string(), done));
  };
  std::optional<train::Utilization> utilization;  // of the rank that tells
  if (speaks) utilization = utilization_of(recipe, config, device, launch.processes);
  auto const summary = train_within_memory(recipe,
                                           {.config = config,
                                            .files = files,
                                            .tokenizer = tokenizer,
                                            .callbacks = {.on_step = on_step, .warn = warn},
                                            .group = group ? &*group : nullptr,
                                            .device = device,
                                            .utilization = utilization,
                                            .on_resume = on_resume},
                                           loader);
  progress.reset();
  auto bad = loader.bad_samples();
  if (group) {
    bad = static_cast<std::int64_t>(group->sum({static_cast<double>(bad)})[0]);
    group->finish();
  }
  int const code = summary.interrupted ? exit_interrupted : 0;
  if (!speaks) return code;
  auto const leave_summary = [&] {
    checkpoint::write_file(arguments.out / "training.json",
                           summary_of(recipe, summary, waiting, bad).dump(2) + '\n');
  };
  if (summary.interrupted) {
    try {
      leave_summary();
    } catch (Error const& error) {  // what was learned is saved all the same
      warn(error.what());
    }
    say(
        fmt::format("{}: stopped after step {} of {}, saved {:.1f} s after the signal; the same "
                    "command goes on from there\n",
                    recipe.recipe, summary.steps_done, summary.steps, summary.stopping_seconds));
    return code;
  }
  leave_summary();
  write_training_report(arguments.out);
  inform(fmt::format("waiting for samples took {:.1f} % of the steps, {:.1f} % after the first.",
                     100 * waiting.share(), 100 * waiting.later_share()));
  auto const told = [](std::int64_t count, std::string_view what) {
    return count > 0 ? fmt::format(", {} {}", count, what) : "";
  };
  say(fmt::format("{}: {} steps in {}, loss {:.4f} to {:.4f}{}{}; the model is in {}\n",
                  recipe.recipe, summary.steps_done, as_duration(summary.seconds),
                  summary.loss_first, summary.loss_last, told(bad, "samples left out"),
                  told(summary.skipped, "steps skipped"), arguments.out.string()));
  return code;
}

/// What upstream's scripts did with a rate of the encoder's own.
inline std::string_view about_rates(Hyperparameters const& recipe) {
  if (recipe.encoder_learning_rate == 0) return "";
  return "\nUpstream's scripts ask for a rate of the encoder's own as well, but ran without one:\n"
         "--set train.encoder_learning_rate=0 trains as they did (docs/training.md).\n";
}

/// Prints what a step takes.
inline void print_plan(TrainProgram const& recipe, TrainArguments const& arguments,
                       train::RunConfig const& config, dist::Launch const& launch) {
  auto const plan = recipe.plan(
      config,
      {.frames = arguments.plan_frames,
       .text = arguments.plan_text,
       .processes = arguments.plan_processes > 0 ? arguments.plan_processes : launch.processes});
  if (arguments.json) {
    fmt::print("{}\n", app::to_json(plan, config, recipe.recipe).dump(2));
  } else {
    fmt::print("{}", app::to_text(plan, config, recipe.recipe));
  }
}

}  // namespace detail

VCFLASH_INLINE nlohmann::ordered_json description_of(TrainProgram const& recipe,
                                                     train::RunConfig const& config) {
  auto const& model = recipe.model;
  nlohmann::ordered_json json{
      {"recipe", recipe.recipe},           {"stage", recipe.stage},
      {"zero", recipe.zero.value},         {"parameters", model.parameters},
      {"tensors", model.tensors},          {"trained_parameters", model.trained_parameters},
      {"parts", detail::parts_of(model)},  {"resolution", model.resolution},
      {"clip_frames", model.clip_frames},  {"clip_patches", model.clip_patches},
      {"clip_tokens", model.clip_tokens},  {"image_patches", model.image_patches},
      {"image_tokens", model.image_tokens}};
  for (auto const& [name, value] : train::settings_of(config)) {
    // A value is written in TOML as in JSON.
    json["settings"][name] = nlohmann::ordered_json::parse(value);
  }
  return json;
}

VCFLASH_INLINE int run_train_program(TrainProgram const& recipe, int argc, char** argv) {
  auto const name = fmt::format("train-{}", recipe.recipe);
  Program program(
      name, fmt::format("Trains the recipe {}: stage {}.", recipe.recipe, recipe.stage),
      fmt::format("{0} --data mix.yaml --out run1 --init base --set train.max_steps=100\n"
                  "{0} --describe\n"
                  "{0} --plan --plan-frames 64 --plan-processes 8 --set train.micro_batch=2\n"
                  "torchrun --no-python --nproc-per-node 2 {0} --data mix.yaml --out run1",
                  name));
  detail::TrainArguments arguments;
  arguments.add_flags(program.flags());
  program.flags().footer(
      program.flags().get_footer() +
      fmt::format(" {} interrupted and saved: the same command goes on.", exit_interrupted));
  // Whoever read what this says may leave: a run goes on.
  std::signal(SIGPIPE, SIG_IGN);
  return program.run(argc, argv, [&]() -> int {
    set_up_log(name);
    auto const config = detail::run_config(recipe, arguments);
    auto const launch = dist::Launch::from_environment();
    bool const speaks = launch.rank == 0;
    if (arguments.json && !arguments.describe && !arguments.plan) {
      throw InputError("--json goes with --describe or --plan.");
    }
    if (arguments.describe || arguments.plan) {
      if (!speaks) return 0;
      if (arguments.plan) {
        detail::print_plan(recipe, arguments, config, launch);
      } else if (arguments.json) {
        fmt::print("{}\n", description_of(recipe, config).dump(2));
      } else {
        fmt::print("{}{}", recipe.describe(train::settings_of(config)),
                   detail::about_rates(config.recipe));
      }
      return 0;
    }
    if (arguments.out.empty()) throw InputError("--out is required (see --help).");
    if (arguments.init_only) {
      if (speaks) detail::write_initial_model(recipe, arguments, config);
      return 0;
    }
    if (arguments.data.empty()) throw InputError("--data is required (see --help).");
    train::require_consistent(config, launch.processes);
    return detail::train_recipe(recipe, arguments, config, launch);
  });
}

}  // namespace vcflash::app
