#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>

#include <vcflash/data/loader.hpp>
#include <vcflash/encoders/vision_encoder.hpp>
#include <vcflash/train/config.hpp>

namespace vcflash::train {

/// What the loader of a run is to do.
/// \param mixture the data mixture (.yaml)  \param bad_samples file that names samples left out
/// \param rank this process  \param processes that share the samples
inline data::LoaderConfig loader_config(RunConfig const& run, EncoderFacts const& needs,
                                        std::filesystem::path const& mixture,
                                        std::filesystem::path const& bad_samples,
                                        std::int64_t rank = 0, std::int64_t processes = 1) {
  data::LoaderConfig config;
  config.mixture = mixture;
  config.bad_samples = bad_samples;
  config.order = run.order;
  config.batch = run.recipe.micro_batch;
  config.accumulation = run.accumulation() / processes;
  config.rank = rank;
  config.world = processes;
  config.seed = run.recipe.seed;
  config.workers = static_cast<int>(run.workers);
  config.prefetch = run.prefetch;
  config.max_bad_fraction = run.max_bad_fraction;
  config.allow_outside = run.allow_outside_root;
  auto& sample = config.sample;
  sample.max_length = run.recipe.max_length;
  sample.chat = run.recipe.chat;
  sample.sampling = run.recipe.sampling;
  sample.min_frames = run.recipe.min_frames;
  sample.max_frames = run.recipe.max_frames;
  sample.clip_length = needs.clip_frames;
  sample.image_size = static_cast<int>(needs.resolution);
  sample.images = run.recipe.images;
  sample.mean = needs.statistics.mean;
  sample.std = needs.statistics.deviation;
  sample.time_message = run.time_message;
  sample.frame_jitter = run.jitter;
  sample.frame_cache = static_cast<std::size_t>(run.frame_cache) << 20;
  if (run.video_timeout > 0) sample.time_limit = std::chrono::duration<double>(run.video_timeout);
  // while a process reads one film the others wait for it, and they wait no longer than that
  if (processes > 1) {
    sample.time_limit.most = std::chrono::duration_cast<std::chrono::milliseconds>(
        std::chrono::duration<double>(run.dist_timeout / 2));
  }
  return config;
}

}  // namespace vcflash::train
