#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>

#include <fmt/format.h>

#include <vcflash/app/inspect/survey.hpp>
#include <vcflash/base/vocabulary.hpp>
#include <vcflash/data/sampler.hpp>

namespace vcflash::app {

namespace detail {

/// Micro-batches of an epoch over a mixture's rows, as the loader counts them.
inline std::int64_t batches_of_epoch(SetSurvey const& all, SurveySettings const& settings) {
  auto const text = all.of_modality[static_cast<std::size_t>(Modality::text)];
  return data::rows_of_epoch(settings.order, text, all.rows - text, settings.micro_batch,
                             settings.accumulation()) /
         settings.micro_batch;
}

}  // namespace detail

/// Optimizer steps of a run over a mixture's rows, as training counts them.
/// \return 0 if there is no run: not one step is filled
inline std::int64_t expected_steps(SetSurvey const& all, SurveySettings const& settings) {
  auto const batches = detail::batches_of_epoch(all, settings);
  if (batches == 0 || settings.max_steps > 0) return batches == 0 ? 0 : settings.max_steps;
  return data::steps_of_run(batches, settings.epochs, settings.accumulation());
}

/// What is wrong with a mixture that has too few rows for its batch; empty if it has enough.
inline std::string too_few_rows(SetSurvey const& all, SurveySettings const& settings) {
  auto const batches = detail::batches_of_epoch(all, settings);
  auto const seen = batches * settings.micro_batch * settings.epochs;
  if (seen >= settings.global_batch) return {};
  if (batches > 0 && settings.max_steps > 0) return {};
  auto const what = batches == 0 ? fmt::format("one micro-batch of {}", settings.micro_batch)
                                 : fmt::format("one step of {}", settings.global_batch);
  return fmt::format(
      "{} rows do not fill {}, and training refuses them; set train.global_batch "
      "and train.micro_batch to at most {}",
      all.rows, what, std::max<std::int64_t>(1, all.rows));
}

}  // namespace vcflash::app
