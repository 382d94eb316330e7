#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <vcflash/base/error.hpp>
#include <vcflash/checkpoint/config_json.hpp>
#include <vcflash/checkpoint/folder.hpp>
#include <vcflash/dist/process_group.hpp>
#include <vcflash/meta/separate.hpp>
#include <vcflash/recipe/recipe.hpp>
#include <vcflash/tensor/placement.hpp>
#include <vcflash/text/tokenizer.hpp>
#include <vcflash/train/agreement.hpp>
#include <vcflash/train/config.hpp>
#include <vcflash/train/interrupt.hpp>
#include <vcflash/train/metrics.hpp>
#include <vcflash/train/model_files.hpp>
#include <vcflash/train/run_store.hpp>
#include <vcflash/train/running_checkpoint.hpp>
#include <vcflash/train/sample_source.hpp>
#include <vcflash/train/schedule.hpp>
#include <vcflash/train/start.hpp>
#include <vcflash/train/step_results.hpp>
#include <vcflash/train/stepper.hpp>
#include <vcflash/train/stored_state.hpp>
#include <vcflash/train/utilization.hpp>

namespace vcflash::train {

/// What a caller is told while a training runs.
struct Callbacks {
  std::function<void(StepReport const&)> on_step;
  Warn warn;
};

/// How a training ended.
struct RunSummary {
  std::int64_t steps_done = 0, steps = 0;
  double seconds = 0;                    ///< of all steps, earlier runs' included
  double saving_seconds = 0;             ///< that this run's steps waited for running checkpoints
  std::int64_t skipped = 0;              ///< steps whose loss or gradients were no finite numbers
  double loss_first = 0, loss_last = 0;  ///< NaN: nothing was learned
  bool interrupted = false;              ///< by a signal; `--resume auto` goes on
  double stopping_seconds = 0;           ///< from the first signal to a checkpoint on the disk
};

namespace detail {

/// \throws InputError if the tokenizer has more ids than the LLM has rows for them
void require_tokenizer_fits(text::Tokenizer const& tokenizer, LlmFacts const& llm);

/// \throws InputError: a run that ended and left no checkpoint cannot be made longer
[[noreturn]] void refuse_to_prolong(std::filesystem::path const& out, std::int64_t steps_done);

enum class Copied { all, trained };

/// Copies in the computer's memory; with `Copied::trained`, frozen tensors are handed on as they
/// are.
NamedTensors copies_of(NamedTensors tensors, Copied which);

/// \throws InputError if the ranks of a group go on from different steps
void require_same_start(std::int64_t step, dist::ProcessGroup* group);

/// What an exception says.
std::string sentence_of(std::exception_ptr const& failure);

/// What a run is told of whose running checkpoints cannot be written. \param reason of the last
std::string no_checkpoints(std::string const& reason);

/// What a run is told of that fails and lost nothing.
std::string saved_after(std::int64_t step);

/// What a run is told of that learned nothing.
std::string nothing_learned_at_all(RunState const& state);

/// Steps of a whole run. \throws InputError if all epochs together are less than one
std::int64_t steps_of(RunConfig const& config, std::int64_t batches_per_epoch);

}  // namespace detail

/// Trains a recipe's stage. The parts that the stage leaves alone carry no gradients and no
/// optimizer state. Leaves in the output folder: `config.toml` (the effective settings),
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
        group_(group) {
    require_consistent(config_, processes());
    if (tokenizer_) detail::require_tokenizer_fits(*tokenizer_, Network::Llm::facts);
    start_ = start_of(files_);
    store_ = std::make_unique<RunStore>(config_, files_, std::string(type_name<R>()),
                                        callbacks_.warn, group_);
    auto const taken = store_->take_up([this](auto const& folder) { load_trained(folder); });
    if (taken) {
      state_ = taken->state;
      ended_ = taken->ended;
      may_go_on_ = taken->optimizer.has_value();
    } else {
      load_weights<R>(network_, start_, config_, callbacks_.warn);
    }
    detail::require_same_start(state_.step, group_);
    move_to(network_, device);
    stepper_.emplace(network_, config_, group_, device);
    if (taken && taken->optimizer) {
      stepper_->optimizer().restore(*taken->optimizer, state_.step - state_.skipped);
    }
  }

  /// Takes a network as it is, on any device, to rehearse a step with it: no file is read or
  /// written.
  Trainer(Network network, RunConfig const& config, dist::ProcessGroup* group = nullptr)
      : config_(config), group_(group), network_(std::move(network)) {
    require_consistent(config_, processes());
    stepper_.emplace(network_, config_, group_, at::kCPU);
  }

  Trainer(Trainer const&) = delete;
  Trainer& operator=(Trainer const&) = delete;

  Network const& network() const { return network_; }
  AdamW const& optimizer() const { return stepper_->optimizer().own(); }
  RunConfig const& config() const { return config_; }

  /// Of a run of several processes that shards them; else nothing.
  ShardedParameters const* sharded_parameters() const { return stepper_->sharded_parameters(); }

  /// One step, of which no file tells. On the `meta` device nothing is computed, and the report has
  /// no loss.
  template <SampleSource S>
  StepReport rehearse(S& source) {
    std::vector<std::string> ids;
    return *stepper_->step(source, state_.step, Schedule{}(state_.step), ids, nullptr);
  }

  /// Has every step say how much of what the devices can do it makes use of.
  void measure(Utilization const& utilization) { stepper_->measure(utilization); }

  /// Steps that earlier runs did.
  std::int64_t steps_done() const { return state_.step; }

  /// Steps of the whole run with a source of so many micro batches an epoch.
  /// \throws InputError if all epochs together are less than one step
  std::int64_t steps_for(std::int64_t batches_per_epoch) const {
    return detail::steps_of(config_, batches_per_epoch);
  }

  /// Trains to the end, or until a signal asks for an end (InterruptGuard), which is seen between
  /// micro batches: the step that is open is given up, and what was learned before it is saved.
  /// A step whose loss or gradients are no finite numbers changes nothing. Running checkpoints are
  /// written while the next steps run; one that cannot be written is told, and the run goes on.
  /// What fails on any rank (its data, its memory) ends all of them in the same way: what was
  /// learned is saved first.
  /// \throws Error if that happens, if `train.max_bad_steps` steps in a row were skipped, if two
  ///         running checkpoints in a row or the end cannot be written (what was there before
  ///         stays), or if nothing was learned at all
  template <SampleSource S>
  RunSummary run(S& source) {
    std::int64_t const steps = steps_for(source.batches_per_epoch());
    if (ended_ && state_.step >= steps) return summary(steps);
    if (!may_go_on_) detail::refuse_to_prolong(files_.out, state_.step);
    store_->begin(state_);
    source.seek(state_.position);
    auto const schedule = Schedule::over(config_.schedule, steps, config_.recipe.warmup_ratio,
                                         config_.recipe.min_lr_ratio);
    InterruptGuard const interrupt;
    Agreement agreement(group_);
    Watch watch{interrupt, agreement};
    while (state_.step < steps) {
      std::vector<std::string> ids;
      auto report = stepper_->step(source, state_.step, schedule(state_.step), ids, &watch);
      if (report) {
        report->steps = steps;
        state_.position = source.position();
        take_down(*report, ids);
      }
      bool const last = state_.step == steps;
      auto const all = agreement.after_step({.asked = interrupt.asked(),
                                             .busy = store_->busy(),
                                             .due = report && store_->due(state_.step),
                                             .failure = last ? std::string() : failure_of(watch)});
      if (!all.busy) store_->proceed();
      if (last) break;
      if (!all.failure.empty()) leave_failed(watch.failure, all.failure);
      if (all.asked) return leave_asked(interrupt, steps);
      if (all.due) save_running();
    }
    finish_run();
    return summary(steps);
  }

 private:
  std::int64_t processes() const { return group_ ? group_->size() : 1; }

  /// Whether this process leaves the run's files.
  bool writes() const { return group_ == nullptr || group_->first(); }

  void warn(std::string const& sentence) const {
    if (callbacks_.warn) callbacks_.warn(sentence);
  }

  /// The weights that this stage wrote; a connector's frozen company comes from where it started.
  void load_trained(std::filesystem::path const& folder) {
    if constexpr (trains_connector_only) {
      Start start = start_;
      start.connector = folder / "mm_projector.bin";
      load_weights<R>(network_, start, config_);
    } else if constexpr (leaves_adapter<R>) {
      Start start = start_;
      start.adapter = folder;
      load_weights<R>(network_, start, config_);
    } else {
      Start start = start_;
      start.weights = folder;
      start.adapter.reset();
      start.connector.reset();
      start.encoder.reset();
      start.allow_missing.clear();
      load_weights<R>(network_, start, config_);
    }
  }

  void note(StepReport const& report, std::vector<std::string> const& ids) {
    bool const moved = report.skipped.empty(), learned = !report.micro_losses.empty();
    if (!learned) warn(nothing_learned(report.step));
    if (!moved) warn(skipped(report, ids, group_));
    if (learned && moved) {
      if (std::isnan(state_.loss_first)) state_.loss_first = report.loss;
      state_.loss_last = report.loss;
    }
    ++state_.step;
    state_.skipped += moved ? 0 : 1;
    state_.seconds += report.seconds;
  }

  /// Takes down what a step did, and tells what was wrong with it.
  void take_down(StepReport const& report, std::vector<std::string> const& ids) {
    note(report, ids);
    store_->note(report);
    if (callbacks_.on_step) callbacks_.on_step(report);
    bad_steps_ = report.skipped.empty() ? 0 : bad_steps_ + 1;
    if (bad_steps_ == config_.max_bad_steps) diverged_ = diverged(report, bad_steps_);
  }

  /// Why this rank's run cannot go on; empty: it can.
  std::string failure_of(Watch const& watch) const {
    if (watch.failure) return detail::sentence_of(watch.failure);
    if (!diverged_.empty()) return diverged_;
    return store_->failing() ? detail::no_checkpoints(store_->failure()) : std::string();
  }

  /// Saves what was learned, unless it is on the disk. \return whether it is there
  bool save_all() {
    if (state_.step == 0) return true;
    store_->settle();
    if (store_->saved() == state_.step) return true;
    save_running();
    store_->settle();
    return store_->saved() == state_.step;
  }

  RunSummary leave_asked(InterruptGuard const& interrupt, std::int64_t steps) {
    if (!save_all()) end_with(store_->failure());
    auto result = summary(steps);
    result.interrupted = true;
    result.stopping_seconds = interrupt.seconds_since_asked();
    if (group_) {  // whichever was asked first
      result.stopping_seconds = std::ranges::max(group_->gather(result.stopping_seconds));
    }
    return result;
  }

  /// \param own failure of this rank, if it is its  \param sentence what all ranks know of it
  [[noreturn]] void leave_failed(std::exception_ptr const& own, std::string const& sentence) {
    try {
      if (save_all() && state_.step > 0) warn(detail::saved_after(state_.step));
    } catch (std::exception const& error) {  // the device may be what failed
      warn(error.what());
    }
    end_with(sentence, own);
  }

  /// Ends all ranks with what each of them knows: none is to be missed by the others.
  [[noreturn]] void end_with(std::string const& sentence, std::exception_ptr const& own = {}) {
    if (group_) group_->finish();
    if (own) std::rethrow_exception(own);
    throw Error(sentence);
  }

  /// What a run leaves at its end: a running checkpoint, from which it can be made longer, and the
  /// model.
  void finish_run() {
    if (std::isnan(state_.loss_first)) end_with(detail::nothing_learned_at_all(state_));
    // Before the model, so that what kept a checkpoint from the disk is told first.
    store_->settle();
    if (store_->keeps_checkpoints()) save_all();
    typename Stepper<R>::WholeModel const whole(*stepper_);
    store_->save_model(
        [this](std::filesystem::path const& folder) {
          write_model(folder, state_, trained_model());
        },
        trains_connector_only || leaves_adapter<R> ? nullptr : checkpoint::is_weights_file);
  }

  /// Begins to write a running checkpoint; what a step waits for is a copy in memory.
  void save_running() {
    Stopwatch const stopwatch(saving_seconds_);
    store_->settle();
    NamedTensors model;
    {
      typename Stepper<R>::WholeModel const whole(*stepper_);
      auto const copied = sharded_parameters() ? detail::Copied::all : detail::Copied::trained;
      if (writes()) model = detail::copies_of(trained_model(), copied);
    }
    auto optimizer = detail::copies_of(stepper_->optimizer().state(), detail::Copied::all);
    auto const file = optimizer_file(group_ ? group_->rank() : 0, stepper_->optimizer().shares());
    store_->save_running(
        state_, [this, state = state_, model = std::move(model), optimizer = std::move(optimizer),
                 file](std::filesystem::path const& folder) {
          if (writes()) write_model(folder, state, model);
          if (!optimizer.empty()) checkpoint::write_tensors(folder / file, optimizer);
        });
  }

  /// What this stage leaves: the connector it trained, the adapter with what else it trained, or
  /// the whole model.
  NamedTensors trained_model() const {
    if constexpr (trains_connector_only) {
      return named_parameters(network_.connector, Network::key_prefixes[1]);
    } else if constexpr (leaves_adapter<R>) {
      auto learned = named_parameters(network_);
      std::erase_if(learned, [](auto const& entry) { return !entry.second.requires_grad(); });
      return learned;
    } else {
      return named_parameters(network_);
    }
  }

  void write_model(std::filesystem::path const& folder, RunState const& state,
                   NamedTensors const& model) const {
    auto const files = ModelFiles::of<R>(config_, start_, tokenizer_ ? &*tokenizer_ : nullptr);
    files.write_config(folder);
    store_->write_state(folder, state);
    if constexpr (trains_connector_only) {
      checkpoint::save_connector(model, folder);
    } else if constexpr (leaves_adapter<R>) {
      constexpr LoraConfig lora = adapter_of<R>();
      checkpoint::save_adapter(model,
                               {.rank = lora.rank,
                                .alpha = static_cast<double>(lora.alpha),
                                .rank_stabilized = lora.rank_stabilized,
                                .base = start_.name()},
                               folder);
      files.write_company(folder);
    } else {
      checkpoint::save_weights(model, folder);
      files.write_company(folder);
    }
  }

  RunSummary summary(std::int64_t steps) const {
    return {.steps_done = state_.step,
            .steps = steps,
            .seconds = state_.seconds,
            .saving_seconds = saving_seconds_,
            .skipped = state_.skipped,
            .loss_first = state_.loss_first,
            .loss_last = state_.loss_last};
  }

  RunConfig config_;
  RunFiles files_;
  std::optional<text::Tokenizer> tokenizer_;
  Callbacks callbacks_;
  dist::ProcessGroup* group_;
  Start start_;
  Network network_;
  std::optional<Stepper<R>> stepper_;
  RunState state_;
  bool ended_ = false;     ///< the model of this step is there
  bool may_go_on_ = true;  ///< the optimizer's state is known
  double saving_seconds_ = 0;
  std::int64_t bad_steps_ = 0;       ///< one after the other
  std::string diverged_;             ///< what is said of too many of them
  std::unique_ptr<RunStore> store_;  ///< the last member: it reads those above until all is written
};

}  // namespace vcflash::train

#ifndef VCFLASH_SEPARATE
#include <vcflash/train/trainer.ipp>
#endif
