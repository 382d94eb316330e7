#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <iterator>
#include <numeric>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <vcflash/checkpoint/atomic.hpp>
#include <vcflash/checkpoint/config_json.hpp>
#include <vcflash/checkpoint/folder.hpp>
#include <vcflash/dist/device.hpp>
#include <vcflash/dist/process_group.hpp>
#include <vcflash/meta/error.hpp>
#include <vcflash/meta/sentence.hpp>
#include <vcflash/meta/separate.hpp>
#include <vcflash/recipe/recipe.hpp>
#include <vcflash/tensor/parameter_list.hpp>
#include <vcflash/tensor/placement.hpp>
#include <vcflash/text/tokenizer.hpp>
#include <vcflash/train/checkpoint_writer.hpp>
#include <vcflash/train/config.hpp>
#include <vcflash/train/interrupt.hpp>
#include <vcflash/train/layers_of.hpp>
#include <vcflash/train/learner.hpp>
#include <vcflash/train/metrics.hpp>
#include <vcflash/train/model_files.hpp>
#include <vcflash/train/optimizer.hpp>
#include <vcflash/train/running_checkpoint.hpp>
#include <vcflash/train/sample_source.hpp>
#include <vcflash/train/schedule.hpp>
#include <vcflash/train/sharded_optimizer.hpp>
#include <vcflash/train/sharded_parameters.hpp>
#include <vcflash/train/start.hpp>
#include <vcflash/train/step_results.hpp>
#include <vcflash/train/stored_state.hpp>
#include <vcflash/train/utilisation.hpp>

namespace vcflash::train {

/// What a caller is told while a training runs.
struct Callbacks {
  std::function<void(StepReport const&)> on_step;
  Warn warn;
};

/// How a training ended.
struct RunSummary {
  std::int64_t steps_done = 0, steps = 0;
  double seconds = 0;         ///< of all steps, earlier runs' included
  double saving_seconds = 0;  ///< that this run's steps waited for running checkpoints
  std::int64_t skipped = 0;   ///< steps whose loss or gradients were no finite numbers
  double loss_first = 0, loss_last = 0;
  bool interrupted = false;  ///< by SIGTERM or SIGINT; `--resume auto` goes on
};

namespace detail {

/// \throws InputError if the tokenizer has more ids than the LLM has rows for them
void require_tokenizer_fits(text::Tokenizer const& tokenizer, LlmConfig const& llm);

/// Removes what a run left that is started over.
void clear_earlier_run(std::filesystem::path const& out);

/// \throws InputError: a run that ended and left no checkpoint cannot be made longer
[[noreturn]] void refuse_to_prolong(std::filesystem::path const& out, std::int64_t steps_done);

enum class Copied { all, trained };

/// Copies in the computer's memory; with `Copied::trained`, frozen tensors are handed on as they
/// are.
NamedTensors copies_of(NamedTensors tensors, Copied which);

/// \throws InputError if the ranks of a group go on from different steps
void require_same_start(std::int64_t step, dist::ProcessGroup* group);

}  // namespace detail

/// Trains a recipe's stage. The parts that the stage leaves alone carry no gradients and no
/// optimiser state. Leaves in the output folder: `config.toml` (the effective settings),
/// `metrics.jsonl`, running checkpoints, and at the end the model in Hugging Face's layout, or
/// `mm_projector.bin` and `config.json` if only the connector was trained.
template <RecipeLike R>
class Trainer {
 public:
  using Network = typename R::Network;
  using Stage = typename R::Stage;
  static constexpr bool trains_connector_only = !Stage::trained.encoder && !Stage::trained.llm;

  /// Loads or draws the weights, and takes up what an earlier run left if it may.
  /// \param tokenizer whose files go with the model; none: no such files
  /// \param group of the processes that train together, of which the first writes; none: just one
  /// \param device that everything is computed on
  /// \throws InputError if weights, settings or an earlier run's state do not fit
  Trainer(RunConfig const& config, RunFiles files, std::optional<text::Tokenizer> tokenizer = {},
          Callbacks callbacks = {}, dist::ProcessGroup* group = nullptr,
          at::Device device = at::kCPU)
      : config_(config),
        files_(std::move(files)),
        tokenizer_(std::move(tokenizer)),
        callbacks_(std::move(callbacks)),
        group_(group),
        device_(device) {
    require_consistent(config_, processes());
    if (tokenizer_) detail::require_tokenizer_fits(*tokenizer_, Network::Llm::config);
    start_ = start_of(files_);
    std::optional<StoredState> const optimizer_state = take_up();
    if (!optimizer_state && !finished_) {
      load_weights<R>(network_, start_, config_, callbacks_.warn);
    }
    detail::require_same_start(finished_ ? -1 : state_.step, group_);
    move_to(network_, device_);
    prepare();
    if (optimizer_state) optimizer_->restore(*optimizer_state, state_.step - state_.skipped);
  }

  /// Takes a network as it is, on any device, to rehearse a step with it: no file is read or
  /// written.
  Trainer(Network network, RunConfig const& config, dist::ProcessGroup* group = nullptr)
      : config_(config), group_(group), network_(std::move(network)) {
    require_consistent(config_, processes());
    prepare();
  }

  Trainer(Trainer const&) = delete;
  Trainer& operator=(Trainer const&) = delete;

  Network const& network() const { return network_; }
  AdamW const& optimizer() const { return optimizer_->own(); }
  RunConfig const& config() const { return config_; }

  /// Of a run of several processes that shards them; else nothing.
  ShardedParameters const* sharded_parameters() const {
    return parameters_ ? &*parameters_ : nullptr;
  }

  /// One step, of which no file tells. On the `meta` device nothing is computed, and the report has
  /// no loss.
  template <SampleSource S>
  StepReport rehearse(S& source) {
    return step(source, Schedule{}, 1);
  }

  /// Has every step say how much of what the devices can do it makes use of.
  void measure(Utilisation const& utilisation) { utilisation_ = utilisation; }

  /// Steps that earlier runs did.
  std::int64_t steps_done() const { return state_.step; }

  /// Steps of the whole run with a source of so many micro batches an epoch.
  std::int64_t steps_for(std::int64_t batches_per_epoch) const {
    if (config_.recipe.max_steps > 0) return config_.recipe.max_steps;
    return data::steps_of_run(batches_per_epoch, config_.recipe.epochs, config_.accumulation());
  }

  /// Trains to the end, or until SIGTERM or SIGINT.
  /// A step whose loss or gradients are no finite numbers changes nothing. Running checkpoints are
  /// written while the next steps run; one that cannot be written is told, and the run goes on.
  /// \throws Error if `train.max_bad_steps` steps in a row were skipped (their state is saved), or
  ///         the end cannot be written; what was there before stays
  template <SampleSource S>
  RunSummary run(S& source) {
    std::int64_t const steps = steps_for(source.batches_per_epoch());
    if (finished_ || state_.step >= steps) return summary(steps, false);
    std::optional<MetricsFile> metrics;
    if (writes()) {
      checkpoint::make_folder(files_.out);
      if (!files_.resume) detail::clear_earlier_run(files_.out);
      checkpoint::write_file(files_.out / "config.toml", to_toml(config_));
      metrics.emplace(files_.out / "metrics.jsonl", state_.step);
    }
    source.seek(state_.position);
    auto const schedule = Schedule::over(config_.schedule, steps, config_.recipe.warmup_ratio,
                                         config_.recipe.min_lr_ratio);
    InterruptGuard const interrupt;
    std::int64_t bad_steps = 0;  // one after the other
    while (state_.step < steps) {
      StepReport const report = step(source, schedule, steps);
      state_.position = source.position();
      if (metrics) metrics->write(report);
      if (callbacks_.on_step) callbacks_.on_step(report);
      bool const last = state_.step == steps;
      bool const due =
          config_.recipe.save_every > 0 && state_.step % config_.recipe.save_every == 0;
      bad_steps = report.skipped.empty() ? 0 : bad_steps + 1;
      bool const diverged = bad_steps == config_.max_bad_steps;
      auto const ranks = on_any_rank(interrupt.asked(), writer_->writing());
      bool const stopped = !last && (ranks.asked || diverged);
      if (last) {
        // Before the model, so that what kept the checkpoint from the disk is told first.
        unless_it_fails([&] { writer_->finish(); });
        save_model(files_.out, checkpoint::StagedFolder::Place::inside);
      } else if (!ranks.writing) {
        unless_it_fails([&] { writer_->all_wrote(); });
      }
      if (stopped) {
        save_running();
        writer_->finish();
        if (diverged) train::diverged(report, bad_steps);
        return summary(steps, true);
      }
      if (due) unless_it_fails([&] { save_running(); });
    }
    unless_it_fails([&] { writer_->finish(); });
    return summary(steps, false);
  }

 private:
  std::int64_t processes() const { return group_ ? group_->size() : 1; }

  /// Makes the network one that is trained.
  void prepare() {
    freeze_as_staged<R>(network_);
    if constexpr (shards_parameters) {
      if (group_) {
        auto const& prefixes = Network::key_prefixes;
        parameters_.emplace(units_of(network_.encoder, prefixes[0]),
                            units_of(network_.llm, prefixes[2]),
                            parameters_of(network_.connector, prefixes[1]), *group_);
      }
    }
    learner_.emplace(network_, config_, device_, group_, parameters_ ? &*parameters_ : nullptr);
    writer_.emplace(files_.out, config_.keep, group_);
    std::vector<std::string> keys;
    for (auto const& parameter : parameters_of(network_)) keys.push_back(parameter.key);
    optimizer_.emplace(parameter_groups<R>(network_, config_.recipe),
                       AdamW::Options{config_.recipe.beta1, config_.recipe.beta2,
                                      config_.recipe.epsilon, config_.accumulation() > processes()},
                       keys, R::Sharding::stage, group_, parameters_ ? &*parameters_ : nullptr);
    // Several threads' gradients are added to each other first.
    if (config_.batch_threads == 1) optimizer_->take_gradients_as_they_come();
  }

  /// Whether this process leaves the run's files.
  bool writes() const { return group_ == nullptr || group_->first(); }

  static constexpr bool shards_parameters = R::Sharding::stage.parameters();
  static_assert(require < !shards_parameters || !DropsVisualTokens<typename Network::Llm>,
                Sentence{} << R::name << " shards its parameters (Zero<3>), but "
                           << Network::Llm::name
                           << " drops visual tokens by layers that are not there" >);

  /// While it exists, all parameters are whole on all ranks.
  class WholeModel {
   public:
    explicit WholeModel(std::optional<ShardedParameters>& parameters) : parameters_(parameters) {
      if (parameters_) parameters_->gather_all();
    }
    WholeModel(WholeModel const&) = delete;
    WholeModel& operator=(WholeModel const&) = delete;
    ~WholeModel() {
      if (parameters_) parameters_->release_all();
    }

   private:
    std::optional<ShardedParameters>& parameters_;
  };

  struct OnAnyRank {
    bool asked, writing;
  };

  /// Whether any rank was asked to stop, or is writing a checkpoint.
  OnAnyRank on_any_rank(bool asked, bool writing) const {
    if (!group_) return {asked, writing};
    auto const ranks = group_->sum({asked ? 1.0 : 0.0, writing ? 1.0 : 0.0});
    return {ranks[0] > 0, ranks[1] > 0};
  }

  void warn(std::string const& sentence) const {
    if (callbacks_.warn) callbacks_.warn(sentence);
  }

  /// A running checkpoint that cannot be written is told, and costs nothing else.
  template <class F>
  void unless_it_fails(F&& save) const {
    try {
      save();
    } catch (Error const& error) {
      warn(error.what());
    }
  }

  /// Goes on from the newest checkpoint that can be read.
  /// \return the optimiser's state, if there is one to go on from
  std::optional<StoredState> take_up() {
    if (!files_.resume) return {};
    auto const all = running_checkpoints(files_.out);
    if (std::filesystem::exists(files_.out / state_file)) {
      auto const state = read_state(files_.out, config_, R::name);
      // A finished run is not trained again, unless it is asked for more steps than it did.
      if (config_.recipe.max_steps <= state.step) {
        state_ = state;
        finished_ = true;
        load_trained(files_.out);
        return {};
      }
      if (all.empty()) {
        detail::refuse_to_prolong(files_.out, state.step);
      }
    }
    for (std::size_t i = 0; i < all.size(); ++i) {
      try {
        auto const state = read_state(all[i].folder, config_, R::name);
        load_trained(all[i].folder);
        auto stored = StoredState::in(all[i].folder);
        state_ = state;
        return stored;
      } catch (InputError const& error) {
        if (i + 1 == all.size()) throw;
        warn(error.what());
      }
    }
    return {};
  }

  /// The weights that this stage wrote; a connector's frozen company comes from where it started.
  void load_trained(std::filesystem::path const& folder) {
    if constexpr (trains_connector_only) {
      Start start = start_;
      start.connector = folder / "mm_projector.bin";
      load_weights<R>(network_, start, config_);
    } else {
      Start start = start_;
      start.weights = folder;
      start.connector.reset();
      start.encoder.reset();
      start.allow_missing.clear();
      load_weights<R>(network_, start, config_);
    }
  }

  template <SampleSource S>
  StepReport step(S& source, Schedule const& schedule, std::int64_t steps) {
    StepReport report;
    report.step = state_.step + 1;
    report.steps = steps;
    if (group_) group_->at_step(report.step);
    double const waited = group_ ? group_->seconds_waited() : 0;
    std::vector<std::string> ids;
    {
      Stopwatch const stepping(report.seconds);
      auto const learned = learn(source, report, ids);
      move_parameters(report, learned, schedule(state_.step));
    }
    // On a GPU the last of it is done while the next step begins.
    report.optimizer_seconds =
        std::max(report.optimizer_seconds, report.seconds - report.data_seconds -
                                               report.forward_seconds - report.backward_seconds);
    if (group_) report.communication_seconds = group_->seconds_waited() - waited;
    report.device_bytes = dist::peak_device_bytes(device_);
    if (utilisation_) report.utilisation = utilisation_->of(report);
    note(report, ids);
    return report;
  }

  /// Goes through this rank's micro batches of a step.
  /// \param ids of their samples, which are added
  /// \return of each that has something to learn from
  template <SampleSource S>
  std::vector<Learned> learn(S& source, StepReport& report, std::vector<std::string>& ids) {
    std::vector<Learned> all;
    std::int64_t const own = config_.accumulation() / processes();
    for (std::int64_t i = 0; i < own; ++i) {
      optimizer_->begin(i, own);
      if (parameters_) parameters_->gather_rest();
      std::vector<Sample> batch;
      {
        Stopwatch const waiting(report.data_seconds);
        batch = source.next();
      }
      std::vector<std::int64_t> labels;
      for (Sample const& sample : batch) {
        auto const size = size_of<Network>(sample, config_.recipe.max_length);
        report.tokens += size.tokens;
        report.token_pairs += static_cast<double>(size.tokens) * static_cast<double>(size.tokens);
        report.frames += size.frames;
        labels.push_back(size.labels);
        ids.push_back(sample.id);
      }
      report.samples += std::ssize(batch);
      auto const all_labels = std::accumulate(labels.begin(), labels.end(), std::int64_t{0});
      report.labels += all_labels;
      if (all_labels == 0) {  // a mean over nothing: nothing is learned
        if (parameters_) learner_->keep_up();
        continue;
      }
      all.push_back(learner_->learn(
          batch, labels,
          state_.step * config_.accumulation() + i * processes() + (group_ ? group_->rank() : 0)));
      optimizer_->take_gradients();
    }
    return all;
  }

  /// \param factor on the learning rates
  void move_parameters(StepReport& report, std::vector<Learned> const& learned, double factor) {
    auto const& recipe = config_.recipe;
    report.learning_rate = recipe.learning_rate * factor;
    report.connector_learning_rate = recipe.connector_learning_rate * factor;
    report.encoder_learning_rate = recipe.encoder_learning_rate * factor;
    std::vector<Tensor> losses;
    for (auto const& one : learned) losses.push_back(one.loss);
    read_results(report, std::move(losses), optimizer_->gradient_norm(), group_);
    // What was read came last: the device is done.
    for (auto const& one : learned) {
      report.forward_seconds += one.forward_seconds();
      report.backward_seconds += one.backward_seconds();
    }
    Stopwatch const optimizing(report.optimizer_seconds);
    if (report.skipped.empty()) {
      optimizer_->clip(report.gradient_norm, recipe.clip_norm);
      optimizer_->step(factor);
    } else {
      optimizer_->forget_gradients();
    }
    if (parameters_) parameters_->release_all();
  }

  /// Takes down what a step did, and tells what was wrong with it.
  void note(StepReport const& report, std::vector<std::string> const& ids) {
    bool const moved = report.skipped.empty(), learned = !report.micro_losses.empty();
    if (!learned) warn(nothing_learned(report.step));
    if (!moved) warn(skipped(report, ids, group_));
    if (state_.step == 0 && learned && moved) state_.loss_first = report.loss;
    if (learned && moved) state_.loss_last = report.loss;
    ++state_.step;
    state_.skipped += moved ? 0 : 1;
    state_.seconds += report.seconds;
  }

  /// Begins to write a running checkpoint; what a step waits for is a copy in memory.
  void save_running() {
    Stopwatch const stopwatch(saving_seconds_);
    unless_it_fails([&] { writer_->finish(); });
    NamedTensors model;
    {
      WholeModel const whole(parameters_);
      auto const copied = parameters_ ? detail::Copied::all : detail::Copied::trained;
      if (writes()) model = detail::copies_of(trained_model(), copied);
    }
    auto optimizer = detail::copies_of(optimizer_->state(), detail::Copied::all);
    auto const file = optimizer_file(group_ ? group_->rank() : 0, optimizer_->shares());
    writer_->begin(state_.step,
                   [this, state = state_, model = std::move(model),
                    optimizer = std::move(optimizer), file](std::filesystem::path const& folder) {
                     if (writes()) write_model(folder, state, model);
                     if (!optimizer.empty()) checkpoint::write_tensors(folder / file, optimizer);
                   });
  }

  void save_model(std::filesystem::path const& folder, checkpoint::StagedFolder::Place place) {
    WholeModel const whole(parameters_);
    if (!writes()) return;
    checkpoint::StagedFolder staged(folder, place);
    write_model(staged.path(), state_, trained_model());
    staged.commit_into(trains_connector_only ? nullptr : checkpoint::is_weights_file);
  }

  /// What this stage leaves: the connector it trained, or the whole model.
  NamedTensors trained_model() const {
    if constexpr (trains_connector_only) {
      return named_parameters(network_.connector, Network::key_prefixes[1]);
    } else {
      return named_parameters(network_);
    }
  }

  void write_model(std::filesystem::path const& folder, RunState const& state,
                   NamedTensors const& model) const {
    auto const files = ModelFiles::of<R>(config_, start_, tokenizer_ ? &*tokenizer_ : nullptr);
    files.write_config(folder);
    write_state(folder, state, config_, R::name);
    if constexpr (trains_connector_only) {
      checkpoint::save_connector(model, folder);
    } else {
      checkpoint::save_weights(model, folder);
      files.write_company(folder);
    }
  }

  RunSummary summary(std::int64_t steps, bool interrupted) const {
    return {.steps_done = state_.step,
            .steps = steps,
            .seconds = state_.seconds,
            .saving_seconds = saving_seconds_,
            .skipped = state_.skipped,
            .loss_first = state_.loss_first,
            .loss_last = state_.loss_last,
            .interrupted = interrupted};
  }

  RunConfig config_;
  RunFiles files_;
  std::optional<text::Tokenizer> tokenizer_;
  Callbacks callbacks_;
  dist::ProcessGroup* group_;
  at::Device device_ = at::kCPU;
  Start start_;
  Network network_;
  std::optional<ShardedParameters> parameters_;  ///< of a run of several processes with ZeRO-3
  std::optional<Learner<R>> learner_;
  std::optional<ShardedOptimizer> optimizer_;
  std::optional<Utilisation> utilisation_;
  RunState state_;
  bool finished_ = false;
  double saving_seconds_ = 0;
  std::optional<CheckpointWriter> writer_;  ///< the last member: it reads those above until it ends
};

}  // namespace vcflash::train

#ifndef VCFLASH_SEPARATE
#include <vcflash/train/trainer.ipp>
#endif
