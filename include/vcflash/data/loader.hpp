#pragma once

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <exception>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <vcflash/data/frame_reader.hpp>
#include <vcflash/data/mixture.hpp>
#include <vcflash/data/retry.hpp>
#include <vcflash/data/sample_maker.hpp>
#include <vcflash/data/sampler.hpp>
#include <vcflash/meta/error.hpp>
#include <vcflash/models/sample.hpp>
#include <vcflash/text/tokenizer.hpp>

namespace vcflash::data {

struct LoaderConfig {
  std::filesystem::path mixture;  ///< a data mixture (.yaml)
  SampleConfig sample;
  Order order = Order::grouped;
  std::int64_t batch = 1;            ///< samples of a micro-batch
  std::int64_t accumulation = 1;     ///< micro-batches of an optimiser step in one process
  std::int64_t rank = 0, world = 1;  ///< this process and how many there are
  std::uint64_t seed = 42;
  int workers = 2;                    ///< threads that prepare samples; 0: the caller's own
  std::int64_t prefetch = 4;          ///< micro-batches that are prepared ahead
  std::filesystem::path bad_samples;  ///< a .jsonl file that names them; empty: none
  double max_bad_fraction = 0.05;     ///< of the last 1,000 samples; more stop the run
  std::chrono::milliseconds retry_pause = std::chrono::seconds(1);  ///< before a second try
  bool allow_outside = false;  ///< media may lie outside their data_root
};

/// A sample that could not be made, and what was done.
struct BadSample {
  std::string id;        ///< as the annotation has it; may be empty
  std::string file;      ///< the annotation file, or the medium
  std::int64_t row = 0;  ///< of the mixture, or (`left_out`) of the annotation file
  std::string reason;
  bool left_out = false;  ///< the annotation is of the wrong shape; else another row took its place
};

/// Gives micro-batches without end, epoch after epoch, prepared ahead by threads. What it gives
/// depends on its configuration only, not on the number of threads or their luck. Used by one
/// thread.
class Loader {
 public:
  using OnBad = std::function<void(BadSample const&)>;

  /// \param on_bad is told of each bad sample, in order, by the thread that calls
  /// \throws InputError if the mixture cannot be used
  Loader(LoaderConfig config, text::Tokenizer tokenizer, OnBad on_bad = {})
      : config_(std::move(config)),
        on_bad_(std::move(on_bad)),
        mixture_(config_.mixture, {config_.allow_outside}),
        make_(config_.sample, std::move(tokenizer)) {
    for (DataSet const& set : mixture_.sets()) {
      set_sizes_.push_back(set.count);
      if (!is_read_type(set.video_read_type) && set.video_read_type != "fake")
        throw InputError(
            fmt::format("{}: {} has video_read_type {}, expected decord, av, gif or img.",
                        config_.mixture.string(), set.json_path, set.video_read_type));
    }
    if (config_.accumulation < 1 || config_.prefetch < 1 || config_.workers < 0)
      throw InputError("accumulation and prefetch must be positive, workers not negative.");
    std::int64_t text = 0;
    for (std::int64_t row = 0; row < rows(); ++row)
      text += mixture_.modality(row) == Modality::text ? 1 : 0;
    epoch_rows_ = rows_of_epoch(config_.order, text, rows() - text, config_.batch, step_batches());
    if (batches_per_epoch() == 0)
      throw InputError(fmt::format("{}: {} rows do not fill one micro-batch of {}{}.",
                                   config_.mixture.string(), rows(), config_.batch,
                                   epoch_rows_ == rows()
                                       ? ""
                                       : " besides the last step of either modality, which "
                                         "data.order = grouped_auto leaves out"));
    for (BrokenRow const& row : mixture_.broken()) tell({"", row.file, row.row, row.problem, true});
    seek({});
  }

  ~Loader() { stop(); }
  Loader(Loader const&) = delete;
  Loader& operator=(Loader const&) = delete;

  std::int64_t rows() const { return mixture_.size(); }
  Mixture const& mixture() const { return mixture_; }
  std::int64_t bad_samples() const { return bad_; }

  /// Micro-batches of all processes in an epoch; rows that do not fill one wait for the next
  /// epoch's order.
  std::int64_t batches_per_epoch() const { return epoch_rows_ / config_.batch; }

  /// Where all processes stand that were given as many micro-batches as this one: however many
  /// there are, they are dealt the same ones, in turn.
  Position position() const { return position_of(given_ * config_.world); }

  /// The next micro-batch. \throws Error if not one row of the mixture can be read, or too many of
  ///   the last samples could not
  std::vector<Sample> next() {
    std::vector<Sample> batch;
    for (std::int64_t i = 0; i < config_.batch; ++i) {
      Prepared prepared = take(given_ * config_.batch + i);
      for (BadSample const& bad : prepared.bad) tell(bad);
      if (prepared.failure) std::rethrow_exception(prepared.failure);
      recent_.add(!prepared.bad.empty());
      if (recent_.exceed(config_.max_bad_fraction)) stop_for(prepared.bad);
      batch.push_back(std::move(prepared.sample));
    }
    {
      std::scoped_lock const lock(guard_);
      ++given_;
    }
    wake_.notify_all();
    return batch;
  }

  /// Goes to a position, as `position` gave it to this number of processes or to another that did
  /// whole steps of as many micro-batches.
  void seek(Position position) {
    stop();
    given_ = (position.epoch * batches_per_epoch() + position.batch) / config_.world;
    next_ticket_ = given_ * config_.batch;
    ready_.clear();
    orders_.clear();
    stopping_ = false;
    for (int i = 0; i < config_.workers; ++i) workers_.emplace_back([this] { work(); });
  }

 private:
  /// After so many rows in a row that cannot be read, the data are not there at all.
  static constexpr std::int64_t most_tries = 1000;

  struct Prepared {
    Sample sample;
    std::vector<BadSample> bad;
    std::exception_ptr failure;
  };

  Position position_of(std::int64_t micro_batch) const {
    return {micro_batch / batches_per_epoch(), micro_batch % batches_per_epoch()};
  }

  /// A ticket is the number of a sample of this process, counted over all epochs.
  Prepared take(std::int64_t ticket) {
    if (workers_.empty()) return prepare(ticket);
    std::unique_lock lock(guard_);
    done_.wait(lock, [&] { return ready_.contains(ticket); });
    return std::move(ready_.extract(ticket).mapped());
  }

  void work() {
    for (;;) {
      std::int64_t ticket = 0;
      {
        std::unique_lock lock(guard_);
        wake_.wait(lock, [&] {
          return stopping_ || next_ticket_ < (given_ + config_.prefetch + 1) * config_.batch;
        });
        if (stopping_) return;
        ticket = next_ticket_++;
      }
      Prepared prepared = prepare(ticket);
      std::scoped_lock const lock(guard_);
      ready_.emplace(ticket, std::move(prepared));
      done_.notify_all();
    }
  }

  void stop() {
    {
      std::scoped_lock const lock(guard_);
      stopping_ = true;
    }
    wake_.notify_all();
    for (std::thread& worker : workers_) worker.join();
    workers_.clear();
  }

  Prepared prepare(std::int64_t ticket) {
    Prepared prepared;
    try {
      auto const [epoch, batch] =
          position_of(ticket / config_.batch * config_.world + config_.rank);
      auto const order = order_of(epoch);
      std::int64_t const place = batch * config_.batch + ticket % config_.batch;
      prepare_row((*order)[static_cast<std::size_t>(place)], epoch, place, prepared);
    } catch (...) {
      prepared.failure = std::current_exception();
    }
    return prepared;
  }

  void prepare_row(std::int64_t index, std::int64_t epoch, std::int64_t place, Prepared& prepared) {
    std::uint64_t const seed =
        (config_.seed * 1000003U + static_cast<std::uint64_t>(epoch)) * 1000003U +
        static_cast<std::uint64_t>(place);
    auto const works = [&](std::int64_t row) {
      Row chosen;
      try {
        chosen = mixture_.row(row);
        prepared.sample = make_(chosen, seed);
        prepared.sample.id = chosen.id.empty() ? fmt::format("row {}", row) : chosen.id;
        return true;
      } catch (std::exception const& error) {
        auto const is_row = [&](BadSample const& bad) { return bad.row == row; };
        if (std::none_of(prepared.bad.begin(), prepared.bad.end(), is_row))
          prepared.bad.push_back({chosen.id, chosen.media.empty() ? "" : chosen.media.front(), row,
                                  error.what(), false});
        return false;
      }
    };
    auto const pause = [&] {
      std::unique_lock lock(guard_);
      wake_.wait_for(lock, config_.retry_pause, [&] { return stopping_; });
    };
    if (first_working_row(index, rows(), works, pause)) return;
    for (std::int64_t step = 1; step < std::min(rows(), most_tries); ++step)
      if (works((index + step) % rows())) return;
    throw Error(fmt::format("{}: {} rows from row {} on cannot be read; the first reason: {}",
                            config_.mixture.string(), std::min(rows(), most_tries), index,
                            prepared.bad.front().reason));
  }

  /// Threads may be at work on two epochs at a time.
  std::shared_ptr<std::vector<std::int64_t> const> order_of(std::int64_t epoch) {
    std::scoped_lock const lock(orders_guard_);
    auto& order = orders_[epoch];
    if (!order) {
      order = std::make_shared<std::vector<std::int64_t> const>(
          epoch_order(config_.order, lengths(), set_sizes_, config_.batch, step_batches(),
                      config_.seed, epoch, config_.accumulation));
    }
    auto const kept = order;
    orders_.erase(orders_.begin(), orders_.lower_bound(epoch - 1));
    return kept;
  }

  std::vector<std::int64_t> lengths() const {
    std::vector<std::int64_t> lengths(static_cast<std::size_t>(rows()));
    for (std::int64_t row = 0; row < rows(); ++row) {
      auto const words = mixture_.words(row);
      auto const modality = mixture_.modality(row);
      lengths[static_cast<std::size_t>(row)] =
          by_modality(config_.order) ? modality_length(words, modality)
                                     : estimated_length(words, modality, config_.sample.max_frames);
    }
    return lengths;
  }

  /// Micro-batches of an optimiser step, of all processes.
  std::int64_t step_batches() const { return config_.world * config_.accumulation; }

  [[noreturn]] void stop_for(std::vector<BadSample> const& bad) const {
    throw Error(fmt::format(
        "{}: {} of the last {} samples could not be read, and data.max_bad_fraction = {} of {} are "
        "let pass; the last reason: {}.{}",
        config_.mixture.string(), recent_.failures(), recent_.samples(), config_.max_bad_fraction,
        RecentFailures::window, bad.empty() ? "" : bad.front().reason,
        config_.bad_samples.empty()
            ? ""
            : fmt::format(" All are named in {}.", config_.bad_samples.string())));
  }

  void tell(BadSample const& bad) {
    ++bad_;
    if (on_bad_) on_bad_(bad);
    if (config_.bad_samples.empty()) return;
    nlohmann::ordered_json const line{{"id", bad.id},
                                      {"file", bad.file},
                                      {"row", bad.row},
                                      {"reason", bad.reason},
                                      {"left_out", bad.left_out}};
    std::ofstream(config_.bad_samples, std::ios::app)
        << line.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) << '\n';
  }

  LoaderConfig config_;
  OnBad on_bad_;
  Mixture mixture_;
  SampleMaker make_;
  std::vector<std::int64_t> set_sizes_;
  std::int64_t epoch_rows_ = 0;  ///< that an epoch visits
  std::int64_t bad_ = 0;
  RecentFailures recent_;

  std::mutex orders_guard_;
  std::map<std::int64_t, std::shared_ptr<std::vector<std::int64_t> const>> orders_;

  std::mutex guard_;
  std::condition_variable wake_, done_;
  std::int64_t given_ = 0, next_ticket_ = 0;
  std::map<std::int64_t, Prepared> ready_;
  bool stopping_ = false;
  std::vector<std::thread> workers_;
};

}  // namespace vcflash::data
