#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <nlohmann/json_fwd.hpp>

#include <vcflash/meta/separate.hpp>
#include <vcflash/train/config.hpp>
#include <vcflash/train/plan.hpp>

/// How a plan is told.
namespace vcflash::app {

/// Memory and work in columns, a part each.
std::string to_text(train::Plan const& plan, train::RunConfig const& run, std::string_view recipe);

/// The same for machines: bytes and floating-point operations.
nlohmann::ordered_json to_json(train::Plan const& plan, train::RunConfig const& run,
                               std::string_view recipe);

/// What a training says that ran out of memory: how much a step takes, and which settings lower it.
/// \param plan none: it could not be made either
std::string out_of_memory(train::Plan const* plan, train::RunConfig const& run,
                          std::int64_t clip_frames);

}  // namespace vcflash::app

#ifndef VCFLASH_SEPARATE
#include <vcflash/app/plan_report.ipp>
#endif
