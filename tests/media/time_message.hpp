#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include <vcflash/media/frame_sampling.hpp>
#include <vcflash/text/time_message.hpp>

namespace vcflash::test {

/// What a golden row's `time_msg` makes of chosen frames.
inline std::string time_message(nlohmann::json const& kind, media::FramePlan const& plan,
                                double fps) {
  if (kind.is_null()) return "";
  if (kind == "short") return text::time_message(plan.duration, std::int64_t(plan.indices.size()));
  std::vector<double> seconds;
  for (auto const index : plan.indices) seconds.push_back(double(index) / fps);
  return text::time_message(plan.duration, seconds,
                            plan.by_seconds ? text::Rounding::exact : text::Rounding::scaled);
}

}  // namespace vcflash::test
