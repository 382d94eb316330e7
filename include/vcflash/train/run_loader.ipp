#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <utility>

#include <fmt/format.h>

#include <vcflash/data/index_cache.hpp>
#include <vcflash/data/loader.hpp>
#include <vcflash/train/loader_config.hpp>
#include <vcflash/train/run_loader.hpp>

namespace vcflash::train {

static_assert(SampleSource<data::Loader>);

VCFLASH_INLINE RunLoader::RunLoader(RunConfig const& run, EncoderFacts const& needs,
                                    std::filesystem::path const& mixture,
                                    std::filesystem::path const& bad_samples,
                                    text::Tokenizer tokenizer, OnBad const& on_bad,
                                    std::int64_t rank, std::int64_t processes)
    : loader_(std::make_unique<data::Loader>(
          loader_config(run, needs, mixture, bad_samples, rank, processes), std::move(tokenizer),
          [on_bad](data::BadSample const& bad) {
            if (on_bad) on_bad(fmt::format("{}: row {}: {}", bad.file, bad.row, bad.reason));
          },
          on_bad)) {}

VCFLASH_INLINE RunLoader::~RunLoader() = default;
VCFLASH_INLINE RunLoader::RunLoader(RunLoader&&) noexcept = default;

VCFLASH_INLINE std::vector<Sample> RunLoader::next() { return loader_->next(); }
VCFLASH_INLINE void RunLoader::seek(data::Position position) { loader_->seek(position); }
VCFLASH_INLINE data::Position RunLoader::position() const { return loader_->position(); }
VCFLASH_INLINE std::int64_t RunLoader::batches_per_epoch() const {
  return loader_->batches_per_epoch();
}
VCFLASH_INLINE std::int64_t RunLoader::rows() const { return loader_->rows(); }

VCFLASH_INLINE std::string RunLoader::fingerprint() const {
  // All that the index knows of every row, and the text of up to 4096 of them: files of gigabytes
  // are not read for it.
  auto const& mixture = loader_->mixture();
  std::int64_t const stride = std::max<std::int64_t>(1, rows() / 4096);
  std::uint64_t hash = 0;
  for (std::int64_t row = 0; row < rows(); ++row) {
    auto const text = mixture.text(row);
    std::array const facts{text.size(), static_cast<std::size_t>(mixture.words(row)),
                           static_cast<std::size_t>(mixture.modality(row))};
    hash = data::hash_of({reinterpret_cast<char const*>(facts.data()), sizeof facts}, hash);
    if (row % stride == 0) hash = data::hash_of(text, hash);
  }
  return fmt::format("{:016x}", hash);
}

VCFLASH_INLINE std::int64_t RunLoader::bad_samples() const { return loader_->bad_samples(); }

}  // namespace vcflash::train
