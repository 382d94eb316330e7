#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <vcflash/data/sampler.hpp>
#include <vcflash/encoders/vision_encoder.hpp>
#include <vcflash/meta/separate.hpp>
#include <vcflash/models/sample.hpp>
#include <vcflash/text/tokenizer.hpp>
#include <vcflash/train/config.hpp>
#include <vcflash/train/sample_source.hpp>

namespace vcflash::data {
class Loader;
}

namespace vcflash::train {

/// The samples of a run: a `data::Loader` that is told what the run's settings say.
class RunLoader {
 public:
  /// Is told in one sentence of each bad sample, and when the run waits long for one.
  using OnBad = std::function<void(std::string const&)>;

  /// \param mixture the data mixture (.yaml)  \param bad_samples file that names samples left out
  /// \param rank this process  \param processes that share the samples
  /// \throws InputError if the mixture cannot be used
  RunLoader(RunConfig const& run, EncoderFacts const& needs, std::filesystem::path const& mixture,
            std::filesystem::path const& bad_samples, text::Tokenizer tokenizer,
            OnBad const& on_bad, std::int64_t rank = 0, std::int64_t processes = 1);
  ~RunLoader();
  RunLoader(RunLoader&&) noexcept;

  std::vector<Sample> next();
  void seek(data::Position position);
  data::Position position() const;
  std::int64_t batches_per_epoch() const;

  /// Rows of the mixture.
  std::int64_t rows() const;

  /// What identifies the mixture's rows, in their order: a hash of all that their files say of
  /// them.
  std::string fingerprint() const;

  /// How many samples could not be used so far.
  std::int64_t bad_samples() const;

 private:
  std::unique_ptr<data::Loader> loader_;
};

static_assert(SampleSource<RunLoader>);

}  // namespace vcflash::train

#ifndef VCFLASH_SEPARATE
#include <vcflash/train/run_loader.ipp>
#endif
