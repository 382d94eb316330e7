#pragma once

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <exception>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include <vcflash/base/error.hpp>
#include <vcflash/data/bad_samples.hpp>
#include <vcflash/data/frame_reader.hpp>
#include <vcflash/data/lengths.hpp>
#include <vcflash/data/mixture.hpp>
#include <vcflash/data/prepared_samples.hpp>
#include <vcflash/data/retry.hpp>
#include <vcflash/data/sample_maker.hpp>
#include <vcflash/data/sampler.hpp>
#include <vcflash/media/byte_source.hpp>
#include <vcflash/media/ffmpeg.hpp>
#include <vcflash/models/sample.hpp>
#include <vcflash/text/tokenizer.hpp>

namespace vcflash::data {

struct LoaderConfig {
  std::filesystem::path mixture;  ///< a data mixture (.yaml)
  SampleConfig sample;
  Order order = Order::grouped;
  std::int64_t batch = 1;            ///< samples of a micro-batch
  std::int64_t accumulation = 1;     ///< micro-batches of an optimizer step in one process
  std::int64_t rank = 0, world = 1;  ///< this process and how many there are
  std::uint64_t seed = 42;
  int workers = 2;                    ///< threads that prepare samples; 0: the caller's own
  std::int64_t prefetch = 4;          ///< micro-batches that are prepared ahead
  std::filesystem::path bad_samples;  ///< a .jsonl file that names them; empty: none
  double max_bad_fraction = 0.05;     ///< of the last 1,000 samples; more stop the run
  std::chrono::milliseconds retry_pause = std::chrono::seconds(1);  ///< before a second try
  bool allow_outside = false;  ///< media may lie outside their data_root
  std::chrono::milliseconds notice = std::chrono::minutes(1);  ///< of waiting, before it is told
};

/// Gives micro-batches without end, epoch after epoch, prepared ahead by threads. What it gives
/// depends on its configuration only, not on the number of threads or their luck. Used by one
/// thread.
class Loader {
 public:
  using OnBad = std::function<void(BadSample const&)>;
  using OnWait = std::function<void(std::string const&)>;

  /// \param on_bad is told of each bad sample, in order, by the thread that calls
  /// \param on_wait is told in a sentence when that thread waits long for a sample, and for which
  /// \throws InputError if the mixture cannot be used
  Loader(LoaderConfig config, text::Tokenizer tokenizer, OnBad on_bad = {}, OnWait on_wait = {})
      : config_(std::move(config)),
        on_bad_(std::move(on_bad)),
        on_wait_(std::move(on_wait)),
        mixture_(config_.mixture, {config_.allow_outside}),
        make_(stoppable(config_.sample, stopping_), std::move(tokenizer)),
        bad_file_(config_.bad_samples, config_.sample.time_limit),
        given_up_(bad_file_.given_up()) {
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
    if (batches_per_epoch() == 0) refuse_too_few();
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

  /// The next micro-batch.
  /// \throws Error if not one row of the mixture can be read, or too many of the last samples could
  ///   not; then whenever it is asked again, until `seek`
  std::vector<Sample> next() {
    if (failure_) std::rethrow_exception(failure_);
    try {
      std::vector<Sample> batch;
      for (std::int64_t i = 0; i < config_.batch; ++i) {
        PreparedSample prepared = take(given_ * config_.batch + i);
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
    } catch (...) {
      failure_ = std::current_exception();
      throw;
    }
  }

  /// Goes to a position, as `position` gave it to this number of processes or to another that did
  /// whole steps of as many micro-batches.
  void seek(Position position) {
    stop();
    given_ = (position.epoch * batches_per_epoch() + position.batch) / config_.world;
    next_ticket_ = given_ * config_.batch;
    samples_.clear();
    orders_.clear();
    failure_ = nullptr;
    stopping_ = false;
    try {
      for (int i = 0; i < config_.workers; ++i) workers_.emplace_back([this] { work(); });
    } catch (std::system_error const& error) {
      stop();
      throw Error(fmt::format("data.workers = {}: a thread cannot be started ({}).",
                              config_.workers, error.code().message()));
    }
  }

 private:
  /// After so many rows in a row that cannot be read, the data are not there at all.
  static constexpr std::int64_t most_tries = 1000;

  /// A configuration whose media are left at once when the loader stops.
  static SampleConfig stoppable(SampleConfig config, std::atomic<bool> const& stop) {
    config.time_limit.stop = &stop;
    return config;
  }

  Position position_of(std::int64_t micro_batch) const {
    return {micro_batch / batches_per_epoch(), micro_batch % batches_per_epoch()};
  }

  /// A ticket is the number of a sample of this process, counted over all epochs.
  PreparedSample take(std::int64_t ticket) {
    if (workers_.empty()) prepare(ticket);
    return samples_.take(
        ticket, config_.notice, [&](BadSample const& bad) { tell(bad); }, on_wait_);
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
      prepare(ticket);
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

  void prepare(std::int64_t ticket) {
    Sample sample;
    std::exception_ptr failure;
    try {
      auto const [epoch, batch] =
          position_of(ticket / config_.batch * config_.world + config_.rank);
      auto const order = order_of(epoch);
      std::int64_t const place = batch * config_.batch + ticket % config_.batch;
      sample = sample_of((*order)[static_cast<std::size_t>(place)], epoch, place, ticket);
    } catch (...) {
      failure = std::current_exception();
    }
    samples_.change(ticket, [&](PreparedSample& prepared) {
      prepared.sample = std::move(sample);
      prepared.failure = failure;
      prepared.ready = true;
    });
  }

  /// The sample of a row, or of one that takes its place.
  Sample sample_of(std::int64_t index, std::int64_t epoch, std::int64_t place,
                   std::int64_t ticket) {
    std::uint64_t const seed =
        (config_.seed * 1000003U + static_cast<std::uint64_t>(epoch)) * 1000003U +
        static_cast<std::uint64_t>(place);
    Sample sample;
    std::vector<BadSample> bad;  // one a row
    auto const works = [&](std::int64_t row) {
      BadSample told;
      told.row = row;
      auto const attempt = try_row(row, seed, ticket, sample, told);
      auto const is_row = [&](BadSample const& other) { return other.row == row; };
      if (attempt != Attempt::worked && std::ranges::none_of(bad, is_row)) {
        bad.push_back(told);
        samples_.change(ticket, [&](PreparedSample& prepared) { prepared.bad.push_back(told); });
      }
      return attempt;
    };
    auto const pause = [&] {
      std::unique_lock lock(guard_);
      wake_.wait_for(lock, config_.retry_pause, [&] { return stopping_.load(); });
    };
    if (first_working_row(index, rows(), works, pause)) return sample;
    for (std::int64_t step = 1; step < std::min(rows(), most_tries); ++step)
      if (works((index + step) % rows()) == Attempt::worked) return sample;
    throw Error(fmt::format("{}: {} rows from row {} on cannot be read; the first reason: {}",
                            config_.mixture.string(), std::min(rows(), most_tries), index,
                            bad.front().reason));
  }

  /// \param bad is told why it did not work
  Attempt try_row(std::int64_t row, std::uint64_t seed, std::int64_t ticket, Sample& sample,
                  BadSample& bad) {
    if (stopping_) throw media::Stopped("the loader stops");
    bool alone = false;
    try {
      Row const chosen = mixture_.row(row);
      alone = chosen.media.size() == 1;
      bad.id = chosen.id;
      if (!chosen.media.empty()) bad.file = chosen.media.front();
      samples_.change(ticket, [&](PreparedSample& prepared) { prepared.reading = bad.file; });
      if (alone && given_up_.contains(bad.file))
        throw InputError(bad.file + ": took longer than it may before, and is not tried again");
      sample = make_(chosen, seed);
      sample.id = chosen.id.empty() ? fmt::format("row {}", row) : chosen.id;
      return Attempt::worked;
    } catch (media::Stopped const&) {
      throw;
    } catch (std::exception const& error) {
      bad.reason = error.what();
      bad.given_up = alone && dynamic_cast<media::TooSlow const*>(&error) != nullptr;
      if (bad.given_up) given_up_.add(bad.file);
      bool const of_reading = dynamic_cast<media::ReadError const*>(&error) != nullptr;
      bool const of_input = dynamic_cast<InputError const*>(&error) != nullptr;
      return of_input && !of_reading ? Attempt::hopeless : Attempt::failed;
    }
  }

  /// Threads may be at work on two epochs at a time.
  std::shared_ptr<std::vector<std::int64_t> const> order_of(std::int64_t epoch) {
    std::scoped_lock const lock(orders_guard_);
    auto& order = orders_[epoch];
    if (!order) {
      order = std::make_shared<std::vector<std::int64_t> const>(epoch_order(
          config_.order, lengths_of(mixture_, config_.order, config_.sample.max_frames), set_sizes_,
          config_.batch, step_batches(), config_.seed, epoch, step_batches()));
    }
    auto const kept = order;
    orders_.erase(orders_.begin(), orders_.lower_bound(epoch - 1));
    return kept;
  }

  /// Micro-batches of an optimizer step, of all processes.
  std::int64_t step_batches() const { return config_.world * config_.accumulation; }

  [[noreturn]] void refuse_too_few() const {
    auto const why =
        epoch_rows_ == rows()
            ? fmt::format(
                  ": give --set train.micro_batch={0} --set train.global_batch={0}, or "
                  "more rows",
                  rows())
            : std::string(
                  " besides the last step of either modality, which data.order = "
                  "grouped_auto leaves out");
    throw InputError(fmt::format("{}: {} rows do not fill one micro-batch of {}{}.",
                                 config_.mixture.string(), rows(), config_.batch, why));
  }

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
    bad_file_.add(bad);
  }

  LoaderConfig config_;
  OnBad on_bad_;
  OnWait on_wait_;
  std::atomic<bool> stopping_ = false;
  Mixture mixture_;
  SampleMaker make_;
  BadSampleFile bad_file_;
  GivenUp given_up_;
  std::vector<std::int64_t> set_sizes_;
  std::int64_t epoch_rows_ = 0;  ///< that an epoch visits
  std::int64_t bad_ = 0;
  RecentFailures recent_;

  std::mutex orders_guard_;
  std::map<std::int64_t, std::shared_ptr<std::vector<std::int64_t> const>> orders_;

  std::mutex guard_;
  std::condition_variable wake_;
  std::int64_t given_ = 0, next_ticket_ = 0;
  PreparedSamples samples_;
  std::exception_ptr failure_;  ///< of `next`
  std::vector<std::thread> workers_;
};

}  // namespace vcflash::data
