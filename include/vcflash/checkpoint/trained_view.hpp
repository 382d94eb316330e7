#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include <nlohmann/json_fwd.hpp>

#include <vcflash/base/vocabulary.hpp>
#include <vcflash/meta/separate.hpp>

namespace vcflash::checkpoint {

/// How a training looked at videos. It stands in `config.json` under "vcflash", so that the folder
/// alone says how its model is to be asked (recipe/asking.hpp).
struct TrainedView {
  std::string model{};          ///< name in the zoo; empty: it has none
  std::int64_t resolution = 0;  ///< pixels a side
  std::int64_t min_frames = 0, max_frames = 0;
  FrameSampling sampling = FrameSampling::dynamic_fps1;
  bool time_message = true;

  bool operator==(TrainedView const&) const = default;
};

inline constexpr auto trained_view_field = "vcflash";

nlohmann::json to_json(TrainedView const& view);

/// \param config a folder's `config.json`  \param path named in errors
/// \return none: the folder was not written by a training of such a model
/// \throws InputError if a field is missing or of another type
std::optional<TrainedView> trained_view(nlohmann::json const& config,
                                        std::filesystem::path const& path);

}  // namespace vcflash::checkpoint

#ifndef VCFLASH_SEPARATE
#include <vcflash/checkpoint/trained_view.ipp>
#endif
