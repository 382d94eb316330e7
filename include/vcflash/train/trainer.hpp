#pragma once

#include <ATen/Parallel.h>
#include <torch/csrc/autograd/autograd.h>

#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <numeric>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <vcflash/checkpoint/atomic.hpp>
#include <vcflash/checkpoint/config_json.hpp>
#include <vcflash/checkpoint/folder.hpp>
#include <vcflash/meta/error.hpp>
#include <vcflash/meta/separate.hpp>
#include <vcflash/recipe/recipe.hpp>
#include <vcflash/text/tokenizer.hpp>
#include <vcflash/train/checkpointing.hpp>
#include <vcflash/train/config.hpp>
#include <vcflash/train/drop_path.hpp>
#include <vcflash/train/interrupt.hpp>
#include <vcflash/train/metrics.hpp>
#include <vcflash/train/optimizer.hpp>
#include <vcflash/train/running_checkpoint.hpp>
#include <vcflash/train/sample_source.hpp>
#include <vcflash/train/schedule.hpp>
#include <vcflash/train/start.hpp>

namespace vcflash::train {

/// What a caller is told while a training runs.
struct Callbacks {
  std::function<void(StepReport const&)> on_step;
  std::function<void(std::string const&)> warn;
};

/// How a training ended.
struct RunSummary {
  std::int64_t steps_done = 0, steps = 0;
  double seconds = 0;  ///< of all steps, earlier runs' included
  double loss_first = 0, loss_last = 0;
  bool interrupted = false;  ///< by SIGTERM or SIGINT; `--resume auto` goes on
};

/// What stands beside a model's weights in its folder.
struct ModelFiles {
  checkpoint::NetworkFields network;
  checkpoint::StageFields stage;
  RunConfig const& config;
  Start const& start;
  text::Tokenizer const* tokenizer;  ///< none: no such files

  template <RecipeLike R>
  static ModelFiles of(RunConfig const& config, Start const& start,
                       text::Tokenizer const* tokenizer) {
    return {checkpoint::network_fields<typename R::Network>(),
            checkpoint::stage_fields<typename R::Stage>(), config, start, tokenizer};
  }

  /// `config.json`, which names the base model and the tokenizer's special ids.
  void write_config(std::filesystem::path const& folder) const;

  /// The base model's `generation_config.json` and the tokenizer's files.
  void write_company(std::filesystem::path const& folder) const;
};

namespace detail {

/// \throws InputError if the tokenizer has more ids than the LLM has rows for them
void require_tokenizer_fits(text::Tokenizer const& tokenizer, LlmConfig const& llm);

/// Removes what a run left that is started over.
void clear_earlier_run(std::filesystem::path const& out);

/// \throws InputError: a run that ended and left no checkpoint cannot be made longer
[[noreturn]] void refuse_to_prolong(std::filesystem::path const& out, std::int64_t steps_done);

/// What a step is told of that has no label.
std::string nothing_learned(std::int64_t step);

/// \throws Error
[[noreturn]] void diverged(std::int64_t step, std::string_view what);

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
  /// \throws InputError if weights, settings or an earlier run's state do not fit
  Trainer(RunConfig config, RunFiles files, std::optional<text::Tokenizer> tokenizer = {},
          Callbacks callbacks = {})
      : config_(std::move(config)),
        files_(std::move(files)),
        tokenizer_(std::move(tokenizer)),
        callbacks_(std::move(callbacks)) {
    require_consistent(config_);
    if (tokenizer_) detail::require_tokenizer_fits(*tokenizer_, Network::Llm::config);
    if (config_.threads > 0) at::set_num_threads(static_cast<int>(config_.threads));
    start_ = start_of(files_);
    std::optional<checkpoint::TensorMap> optimizer_state = take_up();
    if (!optimizer_state && !finished_) load_weights<R>(network_, start_, config_);
    freeze_as_staged<R>(network_);
    optimizer_.emplace(
        parameter_groups<R>(network_, config_.recipe),
        AdamW::Options{config_.recipe.beta1, config_.recipe.beta2, config_.recipe.epsilon});
    if (optimizer_state) {
      optimizer_->restore(*optimizer_state, state_.step, (resumed_from_ / optimizer_file).string());
    }
  }

  Trainer(Trainer const&) = delete;
  Trainer& operator=(Trainer const&) = delete;

  Network const& network() const { return network_; }
  AdamW const& optimizer() const { return *optimizer_; }
  RunConfig const& config() const { return config_; }

  /// Steps that earlier runs did.
  std::int64_t steps_done() const { return state_.step; }

  /// Steps of the whole run with a source of so many micro batches an epoch.
  std::int64_t steps_for(std::int64_t batches_per_epoch) const {
    if (config_.recipe.max_steps > 0) return config_.recipe.max_steps;
    return std::max<std::int64_t>(
        1, batches_per_epoch * config_.recipe.epochs / config_.accumulation());
  }

  /// Trains to the end, or until SIGTERM or SIGINT.
  /// \throws Error if the loss is no number or something cannot be written; what earlier steps
  ///         left stays
  template <SampleSource S>
  RunSummary run(S& source) {
    std::int64_t const steps = steps_for(source.batches_per_epoch());
    if (finished_ || state_.step >= steps) return summary(steps, false);
    checkpoint::make_folder(files_.out);
    if (!files_.resume) detail::clear_earlier_run(files_.out);
    checkpoint::write_file(files_.out / "config.toml", to_toml(config_));
    MetricsFile metrics(files_.out / "metrics.jsonl", state_.step);
    source.seek(state_.position);
    auto const schedule = Schedule::over(config_.schedule, steps, config_.recipe.warmup_ratio,
                                         config_.recipe.min_lr_ratio);
    InterruptGuard const interrupt;
    while (state_.step < steps) {
      StepReport const report = step(source, schedule, steps);
      state_.position = source.position();
      metrics.write(report);
      if (callbacks_.on_step) callbacks_.on_step(report);
      bool const last = state_.step == steps;
      bool const due =
          config_.recipe.save_every > 0 && state_.step % config_.recipe.save_every == 0;
      if (last) save_model(files_.out, checkpoint::StagedFolder::Place::inside);
      if (due || (interrupt.asked() && !last)) save_running();
      if (interrupt.asked() && !last) return summary(steps, true);
    }
    return summary(steps, false);
  }

 private:
  static constexpr std::string_view optimizer_file = "optimizer.safetensors";

  /// Goes on from the newest checkpoint that can be read.
  /// \return the optimiser's state, if there is one to go on from
  std::optional<checkpoint::TensorMap> take_up() {
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
        auto tensors = checkpoint::read_tensors(all[i].folder / optimizer_file);
        state_ = state;
        resumed_from_ = all[i].folder;
        return tensors;
      } catch (InputError const& error) {
        if (i + 1 == all.size()) throw;
        if (callbacks_.warn) callbacks_.warn(error.what());
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
      load_weights<R>(network_, start, config_);
    }
  }

  template <SampleSource S>
  StepReport step(S& source, Schedule const& schedule, std::int64_t steps) {
    using Clock = std::chrono::steady_clock;
    auto const since = [](Clock::time_point begin) {
      return std::chrono::duration<double>(Clock::now() - begin).count();
    };
    auto const begin = Clock::now();
    StepReport report;
    report.step = state_.step + 1;
    report.steps = steps;
    for (std::int64_t i = 0; i < config_.accumulation(); ++i) {
      auto const asked = Clock::now();
      std::vector<Sample> const batch = source.next();
      report.data_seconds += since(asked);
      std::int64_t labels = 0;
      for (Sample const& sample : batch) {
        auto const size = size_of<Network>(sample, config_.recipe.max_length);
        report.tokens += size.tokens;
        labels += size.labels;
      }
      report.labels += labels;
      if (labels == 0) continue;  // a mean over nothing: nothing is learned
      report.micro_losses.push_back(learn(batch, state_.step * config_.accumulation() + i));
    }
    auto const& losses = report.micro_losses;
    bool const learned = !losses.empty();
    report.loss = std::accumulate(losses.begin(), losses.end(), 0.0) /
                  static_cast<double>(losses.size());  // NaN if there is none
    if (!learned && callbacks_.warn) {
      callbacks_.warn(detail::nothing_learned(report.step));
    }
    double const factor = schedule(state_.step);
    report.learning_rate = config_.recipe.learning_rate * factor;
    report.gradient_norm = optimizer_->clip(config_.recipe.clip_norm);
    if (!std::isfinite(report.gradient_norm))
      detail::diverged(report.step, "norm of the gradients");
    optimizer_->step(factor);
    report.seconds = since(begin);

    if (state_.step == 0 && learned) state_.loss_first = report.loss;
    if (learned) state_.loss_last = report.loss;
    ++state_.step;
    state_.seconds += report.seconds;
    return report;
  }

  /// \param count of micro batches before it, which decides what is left out at random
  template <class Run>
  Tensor loss_of(std::span<Sample const> batch, std::int64_t count, Run run) const {
    auto const most = config_.recipe.max_length;
    if constexpr (requires { Network::Encoder::config.drop_path; }) {
      auto const seed = config_.recipe.seed + static_cast<std::uint64_t>(count);
      return network_.loss(batch, most, DropPath<Run>(seed, run));
    } else {
      return network_.loss(batch, most, run);
    }
  }

  /// Adds a micro batch's gradients.  \return its loss
  double learn(std::span<Sample const> batch, std::int64_t count) {
    Tensor const loss = config_.recipe.gradient_checkpointing
                            ? loss_of(batch, count, Recompute{})
                            : loss_of(batch, count, RunDirectly{});
    double const value = loss.template item<float>();
    if (!std::isfinite(value)) detail::diverged(state_.step + 1, "loss");
    // Text alone teaches a connector nothing.
    if (loss.requires_grad()) {
      torch::autograd::backward({loss / static_cast<double>(config_.accumulation())}, {});
      optimizer_->take_gradients();
    }
    return value;
  }

  void save_running() {
    auto const folder = running_checkpoint_folder(files_.out, state_.step);
    checkpoint::StagedFolder staged(folder);
    write_model(staged.path());
    checkpoint::write_tensors(staged.path() / optimizer_file, optimizer_->state());
    staged.commit();
    keep_newest(files_.out, config_.keep);
  }

  void save_model(std::filesystem::path const& folder, checkpoint::StagedFolder::Place place) {
    checkpoint::StagedFolder staged(folder, place);
    write_model(staged.path());
    staged.commit_into();
  }

  void write_model(std::filesystem::path const& folder) const {
    auto const files = ModelFiles::of<R>(config_, start_, tokenizer_ ? &*tokenizer_ : nullptr);
    files.write_config(folder);
    write_state(folder, state_, config_, R::name);
    if constexpr (trains_connector_only) {
      checkpoint::save_connector(named_parameters(network_.connector, Network::key_prefixes[1]),
                                 folder);
    } else {
      checkpoint::save_weights(named_parameters(network_), folder);
      files.write_company(folder);
    }
  }

  RunSummary summary(std::int64_t steps, bool interrupted) const {
    return {state_.step, steps, state_.seconds, state_.loss_first, state_.loss_last, interrupted};
  }

  RunConfig config_;
  RunFiles files_;
  std::optional<text::Tokenizer> tokenizer_;
  Callbacks callbacks_;
  Start start_;
  Network network_;
  std::optional<AdamW> optimizer_;
  RunState state_;
  std::filesystem::path resumed_from_;
  bool finished_ = false;
};

}  // namespace vcflash::train

#ifndef VCFLASH_SEPARATE
#include <vcflash/train/trainer.ipp>
#endif
