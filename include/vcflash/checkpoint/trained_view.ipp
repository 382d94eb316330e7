#pragma once

#include <string>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <vcflash/base/error.hpp>
#include <vcflash/checkpoint/trained_view.hpp>

namespace vcflash::checkpoint {

VCFLASH_INLINE nlohmann::json to_json(TrainedView const& view) {
  return {{"model", view.model},
          {"resolution", view.resolution},
          {"min_frames", view.min_frames},
          {"max_frames", view.max_frames},
          {"sampling", std::string(name_of(view.sampling))},
          {"time_message", view.time_message}};
}

VCFLASH_INLINE std::optional<TrainedView> trained_view(nlohmann::json const& config,
                                                       std::filesystem::path const& path) {
  auto const found = config.find(trained_view_field);
  if (found == config.end() || found->is_null()) return {};
  try {
    TrainedView view{.model = found->at("model").get<std::string>(),
                     .resolution = found->at("resolution").get<std::int64_t>(),
                     .min_frames = found->at("min_frames").get<std::int64_t>(),
                     .max_frames = found->at("max_frames").get<std::int64_t>(),
                     .time_message = found->at("time_message").get<bool>()};
    auto const sampling = found->at("sampling").get<std::string>();
    if (sampling != name_of(view.sampling)) view.sampling = FrameSampling::middle;
    if (sampling == name_of(view.sampling)) return view;
    throw InputError(fmt::format("{}: {}.sampling is \"{}\"; dynamic_fps1 or middle is expected.",
                                 path.string(), trained_view_field, sampling));
  } catch (nlohmann::json::exception const&) {
    throw InputError(fmt::format(
        "{}: \"{}\" is {}; model, resolution, min_frames, max_frames, sampling and time_message "
        "are expected, as a training writes them.",
        path.string(), trained_view_field,
        found->dump(-1, ' ', false, nlohmann::json::error_handler_t::replace)));
  }
}

}  // namespace vcflash::checkpoint
