#pragma once

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/ops/randint.h>
#include <ATen/ops/randn.h>

#include <cstdint>
#include <utility>
#include <vcflash/data/loader.hpp>
#include <vcflash/models/sample.hpp>
#include <vector>

namespace vcflash::test {

/// Micro batches that are given over and over; a model of `SampleSource`.
class InMemory {
 public:
  explicit InMemory(std::vector<std::vector<Sample>> batches) : batches_(std::move(batches)) {}

  std::vector<Sample> next() {
    return batches_[static_cast<std::size_t>(given_++ % batches_per_epoch())];
  }
  data::Position position() const {
    return {given_ / batches_per_epoch(), given_ % batches_per_epoch()};
  }
  void seek(data::Position position) {
    given_ = position.epoch * batches_per_epoch() + position.batch;
  }
  std::int64_t batches_per_epoch() const { return static_cast<std::int64_t>(batches_.size()); }

 private:
  std::vector<std::vector<Sample>> batches_;
  std::int64_t given_ = 0;
};

/// Conversations about random videos and images of `pixels` a side, now and then without any.
inline InMemory random_samples(std::int64_t batches, std::int64_t batch, std::int64_t pixels,
                               std::int64_t vocabulary) {
  auto generator = at::detail::createCPUGenerator(7);
  std::vector<std::vector<Sample>> all;
  for (std::int64_t b = 0; b < batches; ++b) {
    auto& samples = all.emplace_back();
    for (std::int64_t s = 0; s < batch; ++s) {
      Sample sample;
      sample.input_ids = at::randint(vocabulary, {10 + s}, generator, at::kLong);
      sample.labels = sample.input_ids.clone();
      sample.labels.narrow(0, 0, 5).fill_(ignore_label);
      if ((b + s) % 3 != 2) {
        bool const video = (b + s) % 3 == 0;
        sample.input_ids[2] = media_placeholder;
        sample.media.push_back(
            {video ? Modality::video : Modality::image,
             at::randn({video ? 4 : 1, 3, pixels, pixels}, generator, at::kFloat)});
      }
      samples.push_back(std::move(sample));
    }
  }
  return InMemory(std::move(all));
}

}  // namespace vcflash::test
